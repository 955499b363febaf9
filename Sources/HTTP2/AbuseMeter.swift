import Wire

/// Judges what a peer does to a connection beside sending messages: each kind of frame that costs us more than it costs the peer
/// has a budget of a burst and a rate, and honest work earns some of it back. A plain value; time is passed in.
package struct AbuseMeter: Sendable {
    private let isServer: Bool
    private var resets = RateBudget(burst: Limits.http2ResetsBurstMax, perSecond: Limits.http2ResetsPerSecondMax)
    private var provoked = RateBudget(
        burst: Limits.http2ProvokedResetsBurstMax, perSecond: Limits.http2ProvokedResetsPerSecondMax)
    private var settings = RateBudget(burst: Limits.http2SettingsBurstMax, perSecond: Limits.http2SettingsPerSecondMax)
    private var pings = RateBudget(burst: Limits.http2PingsBurstMax, perSecond: Limits.http2PingsPerSecondMax)
    private var windowUpdates = RateBudget(
        burst: Limits.http2WindowUpdatesBurstMax, perSecond: Limits.http2WindowUpdatesPerSecondMax)
    private var priorities = RateBudget(
        burst: Limits.http2PrioritiesBurstMax, perSecond: Limits.http2PrioritiesPerSecondMax)
    private var emptyFrames = RateBudget(
        burst: Limits.http2EmptyFramesBurstMax, perSecond: Limits.http2EmptyFramesPerSecondMax)
    private var tinyData = RateBudget(burst: Limits.http2TinyDataBurstMax, perSecond: Limits.http2TinyDataPerSecondMax)
    private var unknown = RateBudget(
        burst: Limits.http2UnknownFramesBurstMax, perSecond: Limits.http2UnknownFramesPerSecondMax)
    /// The header block that is under way.
    private var blockFrames = 0
    private var blockBytes = 0

    package init(role: HTTP2Role) { isServer = role == .server }

    /// A frame came from the peer. `isYoung`: the stream that it names was opened a moment ago or is not known.
    @inline(__always)
    package mutating func receive(_ frame: FrameHeader, isYoung: Bool, now: UInt64) -> HTTP2Fault? {
        switch frame.type {
        case 0x0: return data(frame, now: now)
        case 0x1: return headers(frame, now: now)
        case 0x2: return priorities.spend(now: now) ? nil : .priorityFlood
        case 0x3: return !isServer || !isYoung || resets.spend(now: now) ? nil : .rapidReset
        // Acknowledgements answer what we sent.
        case 0x4: return frame.flags & 0x1 != 0 || settings.spend(now: now) ? nil : .settingsFlood
        // A client is refused promises by nghttp2 at once, and so is a server.
        case 0x5: return nil
        case 0x6: return frame.flags & 0x1 != 0 || pings.spend(now: now) ? nil : .pingFlood
        case 0x7: return settings.spend(now: now) ? nil : .settingsFlood
        case 0x8: return windowUpdates.spend(now: now) ? nil : .windowUpdateFlood
        case 0x9: return continuation(frame, now: now)
        default: return unknown.spend(now: now) ? nil : .unknownFrameFlood
        }
    }

    @inline(__always)
    private mutating func data(_ frame: FrameHeader, now: UInt64) -> HTTP2Fault? {
        pings.earn(1)
        if frame.length >= Limits.http2TinyDataBytes || frame.flags & 0x1 != 0 { return nil }
        if frame.length == 0 { return emptyFrames.spend(now: now) ? nil : .emptyFrameFlood }
        return tinyData.spend(now: now) ? nil : .tinyDataFlood
    }

    @inline(__always)
    private mutating func headers(_ frame: FrameHeader, now: UInt64) -> HTTP2Fault? {
        pings.earn(1)
        windowUpdates.earn(2)
        priorities.earn(4)
        unknown.earn(2)
        blockFrames = 0
        blockBytes = frame.length
        if blockBytes > Limits.http2BlockBytesMax { return .headerBlockTooLarge }
        let isEmpty = frame.length == 0 && frame.flags & 0x5 == 0
        return !isEmpty || emptyFrames.spend(now: now) ? nil : .emptyFrameFlood
    }

    private mutating func continuation(_ frame: FrameHeader, now: UInt64) -> HTTP2Fault? {
        blockFrames += 1
        blockBytes += frame.length
        if blockFrames > Limits.http2ContinuationsMax { return .continuationFlood }
        if blockBytes > Limits.http2BlockBytesMax { return .headerBlockTooLarge }
        let isEmpty = frame.length == 0 && frame.flags & 0x4 == 0
        return !isEmpty || emptyFrames.spend(now: now) ? nil : .emptyFrameFlood
    }

    /// We reset a stream since its peer broke a rule, or refused a head that was too large.
    package mutating func provokedReset(now: UInt64) -> HTTP2Fault? {
        provoked.spend(now: now) ? nil : .provokedResets
    }

    /// A stream ended as it should.
    package mutating func streamCompleted() { resets.earn(1) }

    /// We sent a DATA frame: the peer has reasons to grant credit and to measure.
    package mutating func dataSent() {
        windowUpdates.earn(10)
        pings.earn(1)
    }
}
