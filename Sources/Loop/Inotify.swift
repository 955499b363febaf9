import CEventLoop

/// Reading the kernel's queue of changes.
enum Inotify {
    /// Calls `body` with every change that waits and the name of the entry it is about, empty for the watched thing itself.
    static func changes(of inotify: Int32, _ body: (outrider_change, String) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: 64 * 1024, alignment: 8) { buffer in
            while true {
                let count = outrider_read(inotify, buffer.baseAddress, buffer.count)
                guard count > 0 else { return }
                decode(UnsafeRawBufferPointer(rebasing: buffer[..<count]), body)
            }
        }
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer, _ body: (outrider_change, String) -> Void) {
        var offset = 0
        var change = outrider_change()
        while offset < bytes.count {
            let next = outrider_change_at(bytes.baseAddress, bytes.count, offset, &change)
            guard next > 0 else { return }
            offset = next
            let start = Int(change.name_offset)
            body(change, String(decoding: bytes[start..<(start + Int(change.name_length))], as: UTF8.self))
        }
    }
}

extension outrider_change {
    func has(_ flag: Int) -> Bool { Int(flags) & flag != 0 }
}
