"""Outrider's features, each added to or taken from what it does anyway."""

# What has no switch, by the functions that do it: a profile tells their share.
WITHOUT_SWITCH = {"counters": r"^(static )?WorkerMetrics\.|^Exchange\.(record|recordRequest|seriesKey)\(",
                  "request id": r"^Exchange\.makeRequestID\("}
MIRROR = "mirrors: [{{destination: {{host: app.bench.internal, subset: v1}}, percentage: {{value: {}}}}}]"

# name: (title, meshConfig, what each route has, headers that the client sends in addition)
FEATURES = {
    "": ("as every row measures it: counters, request id, x-forwarded-for, two retries allowed", "", "", ()),
    "log-null": ("access log to /dev/null", "accessLogFile: /dev/null", "", ()),
    "log-file": ("access log to a file", "accessLogFile: @WORK@/access", "", ()),
    "client-id": ("the client brings its request id: none is drawn", "", "",
                  ("x-request-id: 5f0c7a52-6a0e-4c53-9d5b-3a9d1a1f0c11",)),
    "no-retries": ("no retries: attempts 0", "", "retries: {attempts: 0}", ()),
    "mirror-10": ("a tenth is mirrored", "", MIRROR.format(10), ()),
    "mirror-100": ("all is mirrored", "", MIRROR.format(100), ()),
}
