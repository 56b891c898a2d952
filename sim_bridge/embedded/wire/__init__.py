"""CARLA 0.9.16's wire: MessagePack-RPC framing, encodings, stream tokens and sensor messages. Bytes in, bytes out.

No sockets, no world, any thread.
"""
