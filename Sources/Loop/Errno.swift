import CEventLoop

/// The error numbers that callers tell apart. Calls return them negated.
package enum Errno {
    /// Nothing to read, no room to send; a Unix socket whose backlog is full.
    package static var again: Int32 { outrider_again }
    /// A connect is under way.
    package static var inProgress: Int32 { outrider_in_progress }
    /// The process has no descriptor left.
    package static var tooManyFiles: Int32 { outrider_too_many_files }
    /// The machine has no descriptor left.
    package static var fileTableFull: Int32 { outrider_table_full }
    package static var noMemory: Int32 { outrider_no_memory }
    package static var noBuffers: Int32 { outrider_no_buffers }
    package static var timedOut: Int32 { outrider_timed_out }
    package static var connectionRefused: Int32 { outrider_refused }
    package static var connectionReset: Int32 { outrider_reset }
    package static var brokenPipe: Int32 { outrider_pipe }
    package static var addressInUse: Int32 { outrider_in_use }
    package static var accessDenied: Int32 { outrider_access }
    package static var addressNotAvailable: Int32 { outrider_address_missing }
    package static var invalid: Int32 { outrider_invalid }
    package static var noSpace: Int32 { outrider_no_space }
    package static var notFound: Int32 { outrider_not_found }
    package static var cancelled: Int32 { outrider_cancelled }

    /// The system's words for a positive or negated errno, such as "Connection refused".
    package static func text(_ code: Int32) -> String {
        cText { outrider_error_text(code.magnitude > Int32.max ? 0 : Int32(code.magnitude), $0, $1) }
    }
}

/// The text that a C function writes into a buffer with a closing zero.
func cText(_ write: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 160) { buffer in
        guard let base = buffer.baseAddress else { return "" }
        base.initialize(repeating: 0, count: buffer.count)
        write(base, buffer.count)
        return String(cString: base)
    }
}
