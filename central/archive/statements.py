"""The SQL of the hot ingest path.  Pure.

Sums are added and the newest state wins, so that rows do not depend on the order of arrival.
"""

BLOCK_HASH = "SELECT hash FROM block WHERE site_id=? AND epoch=? AND lane=? AND seq=?"

BLOCK_INSERT = """
INSERT INTO block (site_id, epoch, lane, seq, arrival, kind, n, sample_first, t_first_us,
                   t_last_us, boot_id, received_us, late, decoded, schema_hash, prev_hash,
                   hash, header, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

BLOCK_WAITING = """
SELECT epoch, lane, seq, received_us, late, header, payload FROM block
WHERE site_id=? AND schema_hash=? AND decoded=0 AND lane IN (2, 4) ORDER BY arrival"""

BLOCK_DECODED = "UPDATE block SET decoded=? WHERE site_id=? AND epoch=? AND lane=? AND seq=?"

BLOCK_LINKS = """
SELECT site_id, epoch, lane, seq, sample_first, n, prev_hash, hash FROM block
ORDER BY site_id, epoch, lane, seq"""

BLOCK_AFTER = """
SELECT b.arrival, b.site_id, e.gateway_id, b.header, b.payload, b.received_us, b.late FROM block b
JOIN gateway_epoch e ON e.site_id = b.site_id AND e.epoch = b.epoch
WHERE b.arrival > ? ORDER BY b.arrival LIMIT 512"""

EPOCH_INSERT = """
INSERT INTO gateway_epoch (site_id, epoch, gateway_id, since_us) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING"""

PART_INSERT = """
INSERT INTO schema_part (site_id, hash, gateway_id, received_us, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING"""

POINT_INSERT = "INSERT INTO point (site_id, point_id, name) VALUES (?, ?, ?)"

EVENT_INSERT = """
INSERT INTO event (site_id, epoch, lane, seq, ordinal, kind, id, t_us, m_us, boot_id, late, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""

GAP_INSERT = """
INSERT INTO gap (site_id, epoch, seq, ordinal, of_epoch, cause, lane, sample_lo, sample_hi, n,
                 t0_us, t1_us, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""

ALARM_UPSERT = """
INSERT INTO alarm (site_id, alarm_id, boot_id, occurrence, m_us, state, level, priority,
                   raised_us, time_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  state = CASE WHEN excluded.m_us >= m_us THEN excluded.state ELSE state END,
  level = CASE WHEN excluded.m_us >= m_us THEN excluded.level ELSE level END,
  priority = CASE WHEN excluded.m_us >= m_us THEN excluded.priority ELSE priority END,
  time_us = CASE WHEN excluded.m_us >= m_us THEN excluded.time_us ELSE time_us END,
  raised_us = min(raised_us, excluded.raised_us),
  m_us = max(m_us, excluded.m_us)"""

INTERLOCK_UPSERT = """
INSERT INTO interlock (site_id, interlock_id, boot_id, m_us, shown, occurrence, time_us, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET boot_id=excluded.boot_id, m_us=excluded.m_us, shown=excluded.shown,
  occurrence=excluded.occurrence, time_us=excluded.time_us, body=excluded.body
WHERE (excluded.boot_id, excluded.m_us) >= (boot_id, m_us)"""

SUMMARY_UPSERT = """
INSERT INTO series_summary (site_id, point_id, hour_us, late, n, n_good, v_min, v_max, v_first,
                            v_last, t_first_us, t_last_us, v_sum, n_value, quality)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  n = n + excluded.n, n_good = n_good + excluded.n_good,
  v_min = min(coalesce(v_min, excluded.v_min), coalesce(excluded.v_min, v_min)),
  v_max = max(coalesce(v_max, excluded.v_max), coalesce(excluded.v_max, v_max)),
  v_first = CASE WHEN excluded.t_first_us < t_first_us OR v_first IS NULL
            THEN coalesce(excluded.v_first, v_first) ELSE v_first END,
  v_last = CASE WHEN excluded.t_last_us >= t_last_us OR v_last IS NULL
           THEN coalesce(excluded.v_last, v_last) ELSE v_last END,
  t_first_us = min(t_first_us, excluded.t_first_us), t_last_us = max(t_last_us, excluded.t_last_us),
  v_sum = coalesce(v_sum + excluded.v_sum, 0.0), n_value = n_value + excluded.n_value,
  quality = max(quality, excluded.quality)"""

GRID_UPSERT = """
INSERT INTO axis_ledger (site_id, epoch, boot_id, schema_hash, point_first, period_us, slot_lo,
                         slot_hi, stored, skipped)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  slot_lo = min(slot_lo, excluded.slot_lo), slot_hi = max(slot_hi, excluded.slot_hi),
  stored = stored + excluded.stored, skipped = skipped + excluded.skipped"""

QUARANTINE_UPSERT = """
INSERT INTO quarantine (site_id, digest, gateway_id, code, times, first_us, last_us, bytes)
VALUES (?, ?, ?, ?, 1, ?, ?, ?)
ON CONFLICT DO UPDATE SET times = times + 1, last_us = excluded.last_us"""

QUARANTINE_BYTES = """
SELECT coalesce(sum(length(bytes) + 256), 0) FROM quarantine WHERE site_id=? AND digest<>x''"""

QUARANTINE_OLDEST = """
SELECT digest, length(bytes) + 256, gateway_id, times, first_us, last_us FROM quarantine
WHERE site_id=? AND digest<>x'' ORDER BY first_us, rowid LIMIT 1"""

QUARANTINE_GONE = """
INSERT INTO quarantine (site_id, digest, gateway_id, code, times, first_us, last_us, bytes)
VALUES (?, x'', ?, 'gone', ?, ?, ?, x'')
ON CONFLICT DO UPDATE SET times = times + excluded.times, last_us = excluded.last_us"""

QUARANTINE_DELETE = "DELETE FROM quarantine WHERE site_id=? AND digest=?"

FORK_INSERT = """
INSERT INTO fork (site_id, epoch, lane, seq, other_hash, stored_hash, received_us, bytes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""

FORK_BYTES = "SELECT coalesce(sum(length(bytes)), 0) FROM fork WHERE site_id=?"

ANNOUNCED_UPSERT = """
INSERT INTO announced (site_id, epoch, lane, held_lo, tip_seq, tip_sample) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET held_lo = excluded.held_lo, tip_seq = max(tip_seq, excluded.tip_seq),
  tip_sample = max(tip_sample, excluded.tip_sample)"""

JOURNAL_INSERT = """
INSERT INTO link_journal (site_id, gateway_id, number, at_us, state, backlog, clock_offset_us,
                          reason)
SELECT ?, ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?, ? FROM link_journal
WHERE site_id = ? AND gateway_id = ?"""

BOARD_UPSERT = """
INSERT INTO board (site_id, arrival, body) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET arrival = excluded.arrival, body = excluded.body"""
