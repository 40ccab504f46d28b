# SPDX-License-Identifier: Apache-2.0
# What others wrote, from Debian's packages: the versions that the tests of
# this project run with.  One target for each.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS watched
RUN apt-get -q update && apt-get -qy install --no-install-recommends tini && \
	apt-get clean && rm -rf /var/lib/apt/lists/*
COPY compose/images/probe compose/images/watched /usr/bin/
ENTRYPOINT ["tini", "--"]

FROM watched AS redis
RUN apt-get -q update && \
	apt-get -qy install --no-install-recommends redis-server && \
	apt-get clean && rm -rf /var/lib/apt/lists/* && \
	install -d -o 7011 -g 7011 -m 0700 /data && \
	install -d -o 7011 -g 7000 -m 2750 /run/redis
COPY tools/cdb.d/redis.sh /usr/share/smx/
CMD ["watched", "sh", "/usr/share/smx/redis.sh", "/data", "/etc/cdb/redis.conf"]

# PostgreSQL lets in who the kernel says is the writer, hence the names.
FROM watched AS postgres
RUN groupadd -g 7000 smx && useradd -u 7004 -g smx cdb_writer && \
	useradd -u 7012 -U -d /data cdb_postgres && \
	apt-get -q update && \
	apt-get -qy install --no-install-recommends postgresql-common && \
	sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' \
	/etc/postgresql-common/createcluster.conf && \
	apt-get -qy install --no-install-recommends postgresql-15 && \
	apt-get clean && rm -rf /var/lib/apt/lists/* && \
	install -d -o cdb_postgres -g cdb_postgres -m 0700 /data && \
	install -d -o cdb_postgres -g smx -m 2750 /run/postgresql
COPY compose/images/postgres.sh /usr/share/smx/
CMD ["watched", "sh", "/usr/share/smx/postgres.sh"]

FROM watched AS prometheus
RUN apt-get -q update && \
	apt-get -qy install --no-install-recommends prometheus && \
	apt-get clean && rm -rf /var/lib/apt/lists/* && \
	install -d -o 7013 -g 7013 -m 0700 /data
CMD ["watched", "prometheus"]

FROM watched AS alertmanager
RUN apt-get -q update && \
	apt-get -qy install --no-install-recommends prometheus-alertmanager && \
	apt-get clean && rm -rf /var/lib/apt/lists/* && \
	install -d -o 7014 -g 7014 -m 0700 /data
CMD ["watched", "prometheus-alertmanager"]
