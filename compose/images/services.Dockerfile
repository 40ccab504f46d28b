# SPDX-License-Identifier: Apache-2.0
# The services, the collector and the tools: one image, since they share all
# but a few kilobytes.  Which of them a container runs, its command says.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get -q update && apt-get -qy install --no-install-recommends \
	gcc g++ libc6-dev meson ninja-build pkg-config \
	libuv1-dev libhiredis-dev libmicrohttpd-dev libdeflate-dev \
	libgnutls28-dev libyaml-dev libseccomp-dev libcap-ng-dev \
	libcrypt-dev libsystemd-dev libjansson-dev libncurses-dev \
	nettle-dev libpq-dev
COPY . /src
RUN made="services/cdb-feed services/cdb-signal services/cdb-risk \
	services/cdb-execution services/cdb-writer services/cdb-notify \
	services/cdb-digest services/cdb-load \
	collector/smx-collector tools/smx" && \
	meson setup /build /src -Dtests=false && cd /build && \
	ninja $made && install -s -D -t /out $made

FROM ${BASE}
RUN apt-get -q update && apt-get -qy install --no-install-recommends \
	libuv1 libhiredis0.14 libmicrohttpd12 libdeflate0 libgnutls30 \
	libyaml-0-2 libseccomp2 libcap-ng0 libcrypt1 libsystemd0 libjansson4 \
	libncursesw6 libnettle8 libpq5 libstdc++6 tini && \
	apt-get clean && rm -rf /var/lib/apt/lists/*
COPY --from=build /out /usr/bin
COPY services/writer/schema /usr/share/smx/schema
COPY compose/images/probe compose/images/watched /usr/bin/
# A volume that is new takes its owner from here.
RUN install -d -o 7005 -g 7000 -m 0700 /data
ENTRYPOINT ["tini", "--"]
