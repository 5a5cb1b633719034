"""The honesty notice for every page, report and certificate: what this system is not.  Pure."""

NOTICE_ZH = (
    "本系统为监测与辅助联锁系统，不是安全仪表系统（GB/T 21109 / IEC 61511），"
    "不具有 SIL 等级，不得作为唯一保护。"
)
NOTICE_EN = (
    "This is a monitoring and supplementary interlock system. It is not a safety instrumented "
    "system (IEC 61511 / GB/T 21109), carries no SIL, and must never be the only protection."
)
