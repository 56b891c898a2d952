"""The wire by itself: framing survives any split and any garbage, values keep their shape, sizes are CARLA's."""

from __future__ import annotations

import random
import struct

import msgpack
import pytest

from sim_bridge.embedded.calls.table import TABLE, Need
from sim_bridge.embedded.contracts import BodyState, Pose
from sim_bridge.embedded.coverage import printed
from sim_bridge.embedded.wire import messages, replies
from sim_bridge.embedded.wire.codec import WrongArgument, decoder, encoded
from sim_bridge.embedded.wire.framing import Malformed, RequestReader
from sim_bridge.embedded.wire.structs import (
    ActorDescription,
    AttributeValue,
    EpisodeSettings,
    PhysicsControl,
    VehicleControl,
    WalkerControl,
)
from sim_bridge.embedded.wire.tokens import token


def call(method: str, *arguments: object, message_id: int = 1) -> bytes:
    return bytes(msgpack.packb([0, message_id, method, [[False], *arguments]]))


def test_requests_arrive_whole_however_the_bytes_are_cut() -> None:
    stream = b"".join(call("name", "x" * length, message_id=length) for length in (0, 1, 500, 70_000))
    rng = random.Random(3)
    reader, seen = RequestReader(), []
    while stream:
        cut = rng.randint(1, 9_000)
        seen += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert [request.message_id for request in seen] == [0, 1, 500, 70_000]
    assert [len(request.arguments[0]) for request in seen] == [0, 1, 500, 70_000]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xc1",  # a byte MessagePack never uses
        msgpack.packb("hello"),
        msgpack.packb([1, 2, None, 3]),
        msgpack.packb([0, -1, "version", []]),
        msgpack.packb([0, 1, 5, []]),
        msgpack.packb([0, 1, "version", {}]),
        b"\xdd\xff\xff\xff\xff",  # an array of four billion elements
        b"\x91" * 100_000,  # arrays in arrays in arrays
        b"\x94\x00\x01\xa3\xff\xfe\xfd\x90",  # a method name that is no UTF-8
        b"\x81\x90\x01",  # a map keyed by an array
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_garbage_is_named_malformed(garbage: bytes) -> None:
    with pytest.raises(Malformed):
        list(RequestReader().feed(garbage))


def test_a_string_of_four_gigabytes_is_cut_off_at_the_cap() -> None:
    reader = RequestReader(max_bytes=100_000)
    list(reader.feed(b"\xdb\xff\xff\xff\xff"))
    with pytest.raises(Malformed, match="100000"):
        for _ in range(11):
            list(reader.feed(b"x" * 10_000))


def test_mutated_requests_are_read_or_refused_never_anything_else() -> None:
    rng = random.Random(11)
    valid = [
        call("spawn_actor", [1, "vehicle.x", [["a", 4, "b"]]], [[0.0, 1.0, 2.0], [0.0, 90.0, 0.0]]),
        call("apply_control_to_vehicle", 7, [0.5, 0.0, 0.0, False, False, False, 0]),
        call("apply_batch", [[[2, [7, [0.5, 0.0, 0.0, False, False, False, 0]]]]], True),
    ]
    for _ in range(3_000):
        data = bytearray(rng.choice(valid))
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            for request in RequestReader().feed(bytes(data)):
                assert isinstance(request.method, str)
        except Malformed:
            pass


def test_a_struct_shorter_than_its_fields_keeps_their_defaults() -> None:
    control = decoder(VehicleControl)([0.25, -1], "control")
    assert control == VehicleControl(throttle=0.25, steer=-1.0)


def test_a_struct_longer_than_its_fields_is_cut() -> None:
    control = decoder(WalkerControl)([[1.0, 0.0, 0.0], 1.5, False, "from a later version"], "control")
    assert control == WalkerControl((1.0, 0.0, 0.0), 1.5, False)


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        (VehicleControl, ["fast"], "control.throttle"),
        (VehicleControl, [float("nan")], "control.throttle"),
        (VehicleControl, [0, 0, 0, False, False, False, 1.5], "control.gear"),
        (Pose, [[0.0, 0.0], [0.0, 0.0, 0.0]], "control.location"),
        (Pose, [[0.0, 0.0, 0.0], [0.0, float("inf"), 0.0]], r"control.rotation\[1\]"),
        (ActorDescription, [1], "control"),
        (ActorDescription, [1, "x", [["a", 1, None]]], r"control.attributes\[0\].value"),
        (tuple[int, ...], 3, "control"),
    ],
)
def test_a_wrong_argument_names_its_field(kind: object, value: object, field: str) -> None:
    with pytest.raises(WrongArgument, match=field):
        decoder(kind)(value, "control")


def test_optionals_travel_as_arrays_of_one_or_two() -> None:
    assert encoded(EpisodeSettings())[2] == [False]
    assert encoded(EpisodeSettings(fixed_delta_s=0.05))[2] == [True, 0.05]
    assert decoder(EpisodeSettings)([True, False, [True, 0.05]], "settings").fixed_delta_s == 0.05
    assert decoder(EpisodeSettings)([True, False, [False]], "settings").fixed_delta_s is None


@pytest.mark.parametrize(
    "value",
    [
        EpisodeSettings(True, False, 0.1),
        PhysicsControl(mass=5.0),
        ActorDescription(3, "walker.x", (AttributeValue("speed", 3, "1.4"),)),
        Pose(1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
    ],
)
def test_what_is_encoded_decodes_to_itself(value: object) -> None:
    travelled = msgpack.unpackb(msgpack.packb(encoded(value)))
    assert decoder(type(value))(travelled, "value") == value


def test_message_sizes_are_the_ones_the_client_counts_on() -> None:
    assert len(messages.header(messages.SensorType.RGB, 1, 0.05, Pose())) == 48
    assert len(messages.episode_header(1, 0.0, 0.05, 0)) == 36
    vehicle = messages.vehicle_details(VehicleControl(), 50.0, 2, 0)
    light = messages.light_details(
        b"a name longer than the thirty-two bytes it gets", (10.0, 3.0, 2.0), 0.0, 0, False, 0
    )
    assert (len(vehicle), len(light), len(messages.walker_details(WalkerControl()))) == (30, 54, 17)
    for details in (vehicle, light, b"", messages.sign_details(b"12")):
        assert len(messages.actor_record(1, BodyState(Pose()), details)) == 119
    assert len(token(7, 2001)) == 24
    assert struct.unpack_from("<IHBB", token(7, 2001)) == (7, 2001, 1, 0)


def test_what_ordinary_scripts_need_is_never_refused() -> None:
    refused = {rpc.name for rpc in TABLE.values() if rpc.support == "refused" and rpc.need is Need.ESSENTIAL}
    assert refused == set()
    assert f"{len(TABLE)} calls:" in printed()


def test_the_table_has_every_call_of_carla_once_and_each_error_fits_its_reply() -> None:
    assert len(TABLE) == 128
    assert {rpc.need for rpc in TABLE.values()} == set(Need)
    assert TABLE["set_actor_transform"].error("no") == replies.void_failure("no")
    assert TABLE["spawn_actor"].error("no") == replies.failure("no")
