import CEventLoop

/// Limits and habits of the process.
package enum System {
    /// Cores that this process may use: how many workers make sense.
    package static var cores: Int { Int(outrider_cores()) }

    /// Raises the limit of open files as far as allowed, or to `wanted`; returns what it is now.
    @discardableResult
    package static func raiseDescriptorLimit(to wanted: Int = 0) -> Int {
        Int(outrider_files_limit_raise(Int64(wanted)))
    }

    /// The soft limit of open files.
    package static var descriptorLimit: Int { Int(outrider_files_limit()) }

    /// Keeps the calling thread on the n-th of the cores that the process may use. False when there is none such.
    @discardableResult
    package static func pinThread(toCore core: Int) -> Bool { outrider_pin_to_core(Int32(clamping: core)) == 0 }

    /// Hands back to the kernel what a compile needed: freed memory (`malloc_trim`), and the program's text, of which the part
    /// that runs comes back by soft faults. Not for hot paths.
    package static func releaseFreeMemory() { outrider_trim_memory() }

    /// Lets others go before the calling thread where cores are scarce: by this step of niceness, 1 to 19.
    package static func standBack(by step: Int) { outrider_stand_back(Int32(clamping: step)) }

    /// This process's number.
    package static var processID: Int32 { outrider_pid() }
}
