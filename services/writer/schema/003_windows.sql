-- SPDX-License-Identifier: Apache-2.0
-- The samples of the table metrics are what the counters stood at; these
-- views say what happened between one sample and the next.

-- A counter that fell began again at 0.
CREATE VIEW metric_increases AS
SELECT ts, service, name, labels, window_s,
       CASE WHEN value >= before THEN value - before ELSE value END AS increase
FROM (SELECT *, lag(value) OVER (PARTITION BY service, name, labels, window_s
                                 ORDER BY ts) AS before
      FROM metrics
      WHERE name ~ '_(total|sum|count)$') AS stepped
WHERE before IS NOT NULL;

-- The mean of a latency over each window in which anything was observed.
CREATE VIEW latency_means AS
SELECT s.ts, s.service, replace(s.name, '_seconds_sum', '') AS name, s.labels,
       s.window_s, n.increase AS observed,
       1000 * s.increase / n.increase AS mean_ms
FROM metric_increases s
JOIN metric_increases n USING (ts, service, labels, window_s)
WHERE s.name LIKE '%\_seconds\_sum'
  AND n.name = replace(s.name, '_sum', '_count')
  AND n.increase > 0;

CREATE INDEX metrics_name_time ON metrics (name, ts);
CREATE INDEX health_checks_time ON health_checks (ts);
CREATE INDEX rejected_messages_time ON rejected_messages (rejected_at);
