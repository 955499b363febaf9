/// Why a session was ended for its peer's fault. A GOAWAY with `code` is queued; write it, then close.
package enum HTTP2Fault: UInt8, CaseIterable, Equatable, Sendable {
    // The protocol
    case badPreface, protocolViolation
    /// A frame for a stream that both sides had ended.
    case streamEnded
    /// nghttp2 failed for a reason of ours: no memory.
    case internalFailure
    // Abuse
    case rapidReset, provokedResets, continuationFlood, headerBlockTooLarge, settingsFlood, pingFlood
    case windowUpdateFlood, priorityFlood, emptyFrameFlood, tinyDataFlood, unknownFrameFlood, acknowledgementBacklog

    /// The error code that the peer is told. nghttp2 itself chooses it for a violation; this is the usual one then.
    package var code: HTTP2Code {
        switch self {
        case .badPreface, .protocolViolation: .protocolError
        case .streamEnded: .streamClosed
        case .internalFailure: .internalError
        default: .enhanceYourCalm
        }
    }

    /// Whether the peer kept to the protocol's letter and asked too much.
    package var isAbuse: Bool { code == .enhanceYourCalm }

    /// A short label for counters and logs.
    package var label: StaticString {
        switch self {
        case .badPreface: "bad_preface"
        case .protocolViolation: "protocol_violation"
        case .streamEnded: "stream_ended"
        case .internalFailure: "internal_failure"
        case .rapidReset: "rapid_reset"
        case .provokedResets: "provoked_resets"
        case .continuationFlood: "continuation_flood"
        case .headerBlockTooLarge: "header_block_too_large"
        case .settingsFlood: "settings_flood"
        case .pingFlood: "ping_flood"
        case .windowUpdateFlood: "window_update_flood"
        case .priorityFlood: "priority_flood"
        case .emptyFrameFlood: "empty_frame_flood"
        case .tinyDataFlood: "tiny_data_flood"
        case .unknownFrameFlood: "unknown_frame_flood"
        case .acknowledgementBacklog: "acknowledgement_backlog"
        }
    }
}
