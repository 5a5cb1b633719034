"""Every limit of the wire and of the batch, checked before what it bounds is made.  Pure.

Source: `batches.md` 3.5 and 3.13, `security.md` 3.5.
"""

KIB = 1024
MIB = 1024 * KIB

# The frame.
HEADER_BYTES = 256
FRAME_PAYLOAD_BYTES_MAX = 768 * KIB
FRAME_BYTES_MAX = HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX
FRAME_BYTES_AIM = 256 * KIB  # what a batcher aims at; one larger frame is lawful
RAW_BYTES_MAX = 4 * MIB
RECORDS_RAW_BYTES_MAX = 1 * MIB
ZSTD_WINDOW_BYTES_MAX = 8 * MIB
ZSTD_LEVEL = 3
SEQ_MAX = 2**63 - 1
CLOCK_ERR_UNKNOWN = 0xFFFF_FFFF

# SAMPLES.
SAMPLES_PER_BATCH_MAX = 65_536
QUALITY_RUNS_MAX = 65_536
AXES_MAX = 65_535
ROWS_PER_AXIS_MAX = 65_535
SERIES_PER_AXIS_MAX = 65_535
POINTS_PER_PART_MAX = 4_096
POINTS_PER_RAW_PART_MAX = 64
POINTS_PER_GATEWAY_MAX = 131_072
SALT_BYTES = 16

# RECORDS and META.
RECORDS_PER_BATCH_MAX = 1_024
RECORD_BYTES_MAX = 64 * KIB
RECORD_DEPTH_MAX = 16
JSON_INTEGER_MAX = 2**53

# Messages of the uplink.
MESSAGE_BYTES_MAX = 1 * MIB
CENTRAL_MESSAGE_BYTES_MAX = 4 * MIB  # what a gateway takes from the centre
SMALL_MESSAGE_BYTES_MAX = 64 * KIB  # every message but Frames
FRAMES_PER_MESSAGE_MAX = 32
FRAMES_BYTES_MAX = 256 * KIB  # together, or one larger frame
UNKNOWN_FIELDS_BYTES_MAX = 4 * KIB
TOP_LEVEL_FIELDS_MAX = 64
RANGES_MAX = 256
TIPS_MAX = 64
SCHEMAS_MAX = 1_024

# Before the spool.
RAM_BYTES_MAX = 32 * MIB
RAM_SECONDS_MAX = 60

# No clock shows more (73,000 years): sums and differences of three such times fit into 64 bits.
TIME_US_ABS_MAX = 2**61

# Times outside are stored, and the clock is shown UNSET; never a refusal.
TIME_US_MIN = 1_577_836_800_000_000  # 2020-01-01 UTC
TIME_US_MAX = 4_102_444_800_000_000  # 2100-01-01 UTC
