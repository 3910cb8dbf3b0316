"""A real RTSP server for the tests: serves one file in real time on 127.0.0.1, and prints its port.

usage: rtsp-server.py FILE MEDIA [PORT [USER PASSWORD basic|digest]]

FILE is MPEG-4; MEDIA is the coding of its parts, comma separated: h264, h265, mjpeg, or `tone` for G.711 sound that is
made here. PORT 0 takes any. Run it with /usr/bin/python3: the gi module belongs to Debian's Python.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PARTS = {
    "h264": "demux. ! queue ! h264parse config-interval=-1 ! rtph264pay name=pay{n} pt=96",
    "h265": "demux. ! queue ! h265parse config-interval=-1 ! rtph265pay name=pay{n} pt=96",
    "mjpeg": "demux. ! queue ! rtpjpegpay name=pay{n} pt=26",
    "aac": "demux. ! queue ! aacparse ! rtpmp4gpay name=pay{n} pt=97",
    "tone": "audiotestsrc is-live=true samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay{n} pt=8",
}


def main():
    file, media = sys.argv[1:3]
    port = sys.argv[3] if len(sys.argv) > 3 else "0"
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)

    names = media.split(",")
    source = "" if names == ["tone"] else f"filesrc location={file} ! qtdemux name=demux "
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch("( " + source + " ".join(PARTS[name].format(n=n) for n, name in enumerate(names)) + " )")
    server.get_mount_points().add_factory("/live", factory)

    if len(sys.argv) > 6:
        user, password, method = sys.argv[4:7]
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
        auth = GstRtspServer.RTSPAuth()
        if method == "digest":
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(user, password, token)
        else:
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
        permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
        factory.set_permissions(permissions)
        server.set_auth(auth)

    server.attach(None)
    print(server.get_bound_port(), flush=True)
    # The test that started us may be killed: its end of our standard input closes, and we go too.
    GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: sys.exit(0))
    GLib.MainLoop().run()


main()
