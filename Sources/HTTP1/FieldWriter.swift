import Wire

/// Writes a head's fields. A field that stands in the head's storage exactly as it is to be written (`name: value CR LF`) is not
/// copied at once: neighbours of that kind are gathered into one run and copied together. Most of a forwarded head is two or
/// three runs.
struct FieldWriter {
    let head: Head
    let framing: BodyFraming
    /// Whether Content-Length stays although no body follows (answers to HEAD, 304).
    let keepsLength: Bool
    let upgrade: Bool
    /// What the Host field says; nil where there is none to write.
    let authority: Slice?

    /// The run that waits: positions in the storage.
    private var runStart = 0
    private var runEnd = 0
    private var wroteLength = false
    private var wroteHost = false

    init(head: Head, framing: BodyFraming, keepsLength: Bool, upgrade: Bool, authority: Slice?) {
        self.head = head
        self.framing = framing
        self.keepsLength = keepsLength
        self.upgrade = upgrade
        self.authority = authority
    }

    /// Writes all fields, and the framing fields that are missing.
    @inline(__always)
    mutating func write(to sink: inout HeadSink) {
        let storage = UnsafePointer(head.storage)
        let fields = head.fields
        let count = head.fieldCount
        let handled = HopByHop.unforwarded | HopByHop.bit(.host) | HopByHop.bit(.contentLength)
        var index = 0
        while index < count {
            let field = fields + index
            index &+= 1
            if field.pointee.isRemoved { continue }
            let id = field.pointee.id
            let value = field.pointee.value
            if handled & (1 &<< UInt64(id.rawValue)) == 0 {
                add(name: field.pointee.name, value: value, storage, to: &sink)
            } else {
                special(id, name: field.pointee.name, value: value, storage, to: &sink)
            }
        }
        flush(storage, to: &sink)
        switch framing {
        case .chunked: sink.put("transfer-encoding: chunked\r\n")
        case .length(let length):
            guard !wroteLength else { break }
            sink.put("content-length: ")
            sink.put(decimal: length)
            sink.put("\r\n")
        case .none, .untilClose: break
        }
    }

    /// Adds a line to the run that waits, or writes that one and starts or writes another.
    @inline(__always)
    private mutating func add(name: Slice, value: Slice, _ storage: UnsafePointer<UInt8>, to sink: inout HeadSink) {
        assert(Self.isLine(storage + value.start, value.count), "a value that could end its line is never written")
        let start = name.start
        let end = value.end
        // `storage` holds at least the two bytes behind a parsed value: the line end that the parser saw.
        if value.start == name.end &+ 2, end &+ 2 <= head.storageUsed,
            Self.word(storage + name.end) == 0x203A, Self.word(storage + end) == 0x0A0D
        {
            if start == runEnd {
                runEnd = end &+ 2
            } else {
                flush(storage, to: &sink)
                runStart = start
                runEnd = end &+ 2
            }
            return
        }
        flush(storage, to: &sink)
        sink.put(storage + name.start, count: name.count)
        sink.put(": ")
        sink.put(storage + value.start, count: value.count)
        sink.put("\r\n")
    }

    @inline(__always)
    private mutating func flush(_ storage: UnsafePointer<UInt8>, to sink: inout HeadSink) {
        if runEnd > runStart { sink.put(storage + runStart, count: runEnd &- runStart) }
        runStart = 0
        runEnd = 0
    }

    /// The fields that the message's framing and the connection decide.
    @inline(never)
    private mutating func special(
        _ id: FieldName, name: Slice, value: Slice, _ storage: UnsafePointer<UInt8>, to sink: inout HeadSink
    ) {
        switch id {
        case .host:
            guard let authority else { return add(name: name, value: value, storage, to: &sink) }
            guard !wroteHost else { return }
            wroteHost = true
            add(name: name, value: authority, storage, to: &sink)
        case .contentLength:
            guard !wroteLength else { return }
            writeLength(name: name, value: value, storage, to: &sink)
        case .upgrade:
            if upgrade { add(name: name, value: value, storage, to: &sink) }
        default: break
        }
    }

    private mutating func writeLength(
        name: Slice, value: Slice, _ storage: UnsafePointer<UInt8>, to sink: inout HeadSink
    ) {
        switch framing {
        case .length(let length):
            wroteLength = true
            if FramingFacts.decimal(UnsafeBufferPointer(start: storage + value.start, count: value.count)) == length {
                return add(name: name, value: value, storage, to: &sink)
            }
            flush(storage, to: &sink)
            sink.put(storage + name.start, count: name.count)
            sink.put(": ")
            sink.put(decimal: length)
            sink.put("\r\n")
        case .none:
            guard keepsLength else { return }
            wroteLength = true
            add(name: name, value: value, storage, to: &sink)
        case .chunked, .untilClose: break
        }
    }

    @inline(__always)
    private static func word(_ bytes: UnsafePointer<UInt8>) -> UInt16 {
        UInt16(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt16.self))
    }

    /// Whether bytes hold no CR, LF or NUL.
    static func isLine(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        for index in 0..<count where bytes[index] == 0x0D || bytes[index] == 0x0A || bytes[index] == 0 { return false }
        return true
    }
}
