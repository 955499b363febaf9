import Wire

/// The `date` field's value (RFC 9110 section 5.6.7), made once a second.
struct HTTPDate {
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 1)
    private var second = UInt64.max
    private var count = 0

    /// The 29 bytes for this moment. Valid until the next call.
    mutating func text(realtimeMilliseconds: UInt64) -> UnsafeRawBufferPointer {
        if realtimeMilliseconds / 1000 != second {
            second = realtimeMilliseconds / 1000
            format(realtimeMilliseconds)
        }
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<count])
    }

    private mutating func format(_ milliseconds: UInt64) {
        let time = CalendarTime(milliseconds: milliseconds)
        var writer = TextWriter(memory)
        writer.append(Self.weekdays[time.weekday])
        writer.append(", ")
        writer.append(UInt64(time.day), width: 2)
        writer.append(" ")
        writer.append(Self.months[time.month - 1])
        writer.append(" ")
        writer.append(UInt64(time.year), width: 4)
        writer.append(" ")
        writer.append(UInt64(time.hour), width: 2)
        writer.append(":")
        writer.append(UInt64(time.minute), width: 2)
        writer.append(":")
        writer.append(UInt64(time.second), width: 2)
        writer.append(" GMT")
        count = writer.count
    }

    /// Frees the memory: its worker is gone.
    func free() { memory.deallocate() }

    private static let weekdays: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
