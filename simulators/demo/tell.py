"""What the demo says to people, in both languages.  Pure."""

from collections.abc import Mapping, Sequence


def welcome(console: str, ready_s: float, programs: str, environment: Mapping[str, str]) -> str:
    """Return what is said once everything is live.

    Args:
        console: address of the console.
        ready_s: seconds until the first light.
        programs: folder of our commands with a slash, or empty where they are on the path.
        environment: variables that the commands need to find this demo.
    """
    sim, central, edge = (f"{programs}yujing-{name}" for name in ("sim", "central", "edge"))
    exports = "".join(f"  export {name}={value}\n" for name, value in environment.items())
    return f"""
预警 · 两个厂区已在线，用时 {ready_s:.1f} 秒 · both sites are live

  监管台 console   {console}

试一试，在另一个终端 try, in another terminal:
{exports}  {central} sites                              厂区一览 all sites
  {central} watch                              实时变化 live changes
  {central} history hancheng-steel FT-101      氧枪进水流量 flow into the lance
  {sim} fault bof leak --for 10s               氧枪漏水，联锁动作 the interlock trips
  {sim} fault bof freeze_sensor --on lance_out_t_a   仪表卡死 a sensor freezes
  {sim} fault dust_dry bypass                  联锁旁路 the interlock is bypassed
  {sim} fault dust_dry cut_line --for 10s      断线 the line is cut
  {central} leads --json                       线索，附条款 leads with their clauses
  {edge} --help

Ctrl-C 结束 ends everything
"""


def farewell(summary: Mapping[str, object], faults: Sequence[str]) -> str:
    """Return how a run of people ended."""
    line = (
        f"采样 acquired {summary['samples_acquired']} · "
        f"归档 archived {summary['samples_archived']} · "
        f"待传 pending {summary['samples_pending']} · 缺口 gaps {summary['gaps']} · "
        f"不明 unexplained {summary['unexplained']} · 跳车 trips {summary['trips']} · "
        f"报警 alarms {summary['alarms']}"
    )
    return "\n".join([line, *(f"! {fault}" for fault in faults)])
