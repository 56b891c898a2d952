"""OpenDRIVE as strangers write it: one street out of any geometry, and a junction that is no crossing of ours."""

from __future__ import annotations

LINE = '<geometry s="0" x="0" y="0" hdg="0" length="80"><line/></geometry>'
LANES = """<lanes><laneSection s="0">
<left><lane id="1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></left>
<center><lane id="0" type="none"/></center>
<right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
</laneSection></lanes>"""
ONE_LANE = """<lanes><laneSection s="0"><center><lane id="0" type="none"/></center>
<right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
</laneSection></lanes>"""


def street(
    geometry: str = LINE, length: float = 80.0, lanes: str = LANES, road_id: str = "1", more: str = "", link: str = ""
) -> str:
    """One <road>; `more` is what follows its lanes, `link` and the rest what comes before."""
    return (
        f'<road id="{road_id}" name="a street" length="{length}" junction="-1">\n{link}\n'
        f"<planView>\n{geometry}\n</planView>\n{lanes}\n{more}</road>"
    )


def opendrive(*roads: str, more: str = "") -> str:
    header = '<header revMajor="1" revMinor="4" name="mine" north="0" south="0" east="0" west="0"/>'
    return '<?xml version="1.0"?>\n<OpenDRIVE>\n' + header + "\n" + "\n".join(roads) + more + "\n</OpenDRIVE>"


def banked_bend(rule: str = "RHT") -> str:
    """Spirals, a hill, banking, lanes that begin, widen and end by cubics, an offset, three sections, a lane 0 with a
    type of its own. `rule` is the side people drive on."""

    def lane(lane_id: int, kind: str, *widths: tuple[float, float, float, float]) -> str:
        cubics = "".join(f'<width sOffset="{s}" a="{a}" b="0" c="{c}" d="{d}"/>' for s, a, c, d in widths)
        return f'<lane id="{lane_id}" type="{kind}">{cubics}</lane>'

    def section(s: float, left: str, right: str) -> str:
        middle = '<center><lane id="0" type="driving"/></center>'
        return f'<laneSection s="{s}"><left>{left}</left>{middle}<right>{right}</right></laneSection>'

    full, born, gone = (0, 3.5, 0, 0), (0, 0, 0.011667, -0.000259259), (0, 3.5, -0.011667, 0.000259259)
    offset = (
        '<laneOffset s="0" a="0" b="0" c="0" d="0"/><laneOffset s="60" a="0" b="0" c="0.005" d="-0.000111111"/>'
        '<laneOffset s="90" a="1.5" b="0" c="0" d="0"/>'
    )
    lanes = (
        section(0, lane(1, "driving", full), lane(-1, "driving", full) + lane(-2, "driving", born))
        + section(30, lane(1, "driving", full), lane(-1, "driving", full) + lane(-2, "driving", full))
        + section(90, lane(1, "driving", full), lane(-1, "driving", full) + lane(-2, "driving", gone))
    )
    geometry = (
        '<geometry s="0" x="0" y="0" hdg="0.3" length="40"><line/></geometry>'
        '<geometry s="40" x="38.21345956" y="11.82080827" hdg="0.3" length="80">'
        '<spiral curvStart="0" curvEnd="0.02"/></geometry>'
    )
    hill = '<elevationProfile><elevation s="0" a="2" b="0.05" c="0" d="0"/></elevationProfile>'
    bank = '<lateralProfile><superelevation s="0" a="0.1" b="0" c="0" d="0"/></lateralProfile>'
    made = street(geometry, 120.0, f"{hill}{bank}<lanes>{offset}{lanes}</lanes>")
    return opendrive(made.replace("<road ", f'<road rule="{rule}" '))


def fork() -> str:
    """A street that forks into two lanes which leave side by side: mouths at odd angles, connectors that overlap."""

    def end(road_id: int, x: float, y: float, heading: float) -> str:
        geometry = f'<geometry s="0" x="{x}" y="{y}" hdg="{heading}" length="60"><line/></geometry>'
        before = '<link><predecessor elementType="junction" elementId="9"/></link>'
        return street(geometry, 60.0, ONE_LANE, str(road_id), link=before)

    def over(road_id: int, target: int, heading: float) -> str:
        curvature = heading / 30.0
        geometry = f'<geometry s="0" x="80" y="0" hdg="0" length="30"><arc curvature="{curvature}"/></geometry>'
        link = (
            '<link><predecessor elementType="road" elementId="1" contactPoint="end"/>'
            f'<successor elementType="road" elementId="{target}" contactPoint="start"/></link>'
        )
        lanes = ONE_LANE.replace(
            '<lane id="-1" type="driving">',
            '<lane id="-1" type="driving"><link><predecessor id="-1"/><successor id="-1"/></link>',
        )
        road = street(geometry, 30.0, lanes, str(road_id), link=link)
        return road.replace('junction="-1"', 'junction="9"')

    trunk = street(lanes=ONE_LANE, link='<link><successor elementType="junction" elementId="9"/></link>')
    ends = [end(2, 109.93, 1.5, 0.1), end(3, 109.93, -1.5, -0.1)]
    junction = "".join(
        f'<connection id="{n}" incomingRoad="1" connectingRoad="{road}" contactPoint="start">'
        '<laneLink from="-1" to="-1"/></connection>'
        for n, road in enumerate((4, 5))
    )
    more = f'<junction id="9" name="fork">{junction}</junction>'
    return opendrive(trunk, *ends, over(4, 2, 0.1), over(5, 3, -0.1), more=more)
