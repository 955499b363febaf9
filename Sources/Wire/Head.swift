/// One header field of a head: where its name and value stand.
@frozen @usableFromInline
package struct Field: Sendable {
    @usableFromInline package var name: Slice
    @usableFromInline package var value: Slice
    /// The known name, or `other`.
    @usableFromInline package var id: FieldName
    /// A removed field keeps its place and is passed over.
    @usableFromInline package var isRemoved: Bool

    @inlinable package init(name: Slice, value: Slice, id: FieldName) {
        self.name = name
        self.value = value
        self.id = id
        self.isRemoved = false
    }
}

/// A request's or a response's head: the first line and the fields, as slices of one storage that the head owns. Parsers fill
/// it, routing reads and edits it, serialisers write it. It is reused from request to request and lives until the last attempt
/// of its exchange has ended, so nothing in it points into a connection's buffer.
///
/// Not thread-safe: a head belongs to one worker. Growing the storage moves it; slices stay valid, pointers do not.
@usableFromInline
package final class Head {
    /// The bytes that all slices refer to.
    @usableFromInline package private(set) var storage: UnsafeMutablePointer<UInt8>
    @usableFromInline package private(set) var storageCapacity: Int
    /// Bytes of `storage` in use.
    @usableFromInline package private(set) var storageUsed = 0

    /// The fields in order. Their number is `fieldCount`; removed ones are among them.
    @usableFromInline package let fields: UnsafeMutablePointer<Field>
    @usableFromInline package var fieldCount = 0
    /// First position + 1 of each known name, 0 where it is absent.
    @usableFromInline package let firstByName: UnsafeMutablePointer<UInt8>

    // MARK: Request line

    @usableFromInline package var method = Method.get
    @usableFromInline package var methodSlice = Slice.empty
    /// The path with its query, as it is to be forwarded: normalised, rewritten.
    @usableFromInline package var path = Slice.empty
    /// The Host (or :authority) as received: from an absolute-form target if there was one, else the field.
    @usableFromInline package var authority = Slice.empty
    /// The `:protocol` of an extended CONNECT (RFC 8441); empty: none.
    @usableFromInline package var connectProtocol = Slice.empty
    /// Whether the request came (or says that it came) over TLS.
    @usableFromInline package var schemeIsHTTPS = false

    // MARK: Status line

    @usableFromInline package var status: UInt16 = 0
    @usableFromInline package var reason = Slice.empty

    // MARK: Both

    /// The minor version of HTTP/1 (0 or 1); 1 for HTTP/2.
    @usableFromInline package var minorVersion: UInt8 = 1
    /// Came in HTTP/2.
    @usableFromInline package var isHTTP2 = false

    /// Positions for fields: what a peer may send and what the proxy may add to it.
    @inlinable package static var fieldCapacity: Int { 255 }
    @usableFromInline static let nameCount = 64

    package init(storageCapacity: Int = 2048) {
        assert(
            Self.fieldCapacity >= Limits.headFieldsMax + Limits.headFieldsAddedMax,
            "places for a peer's fields and ours")
        precondition(FieldName.allCases.count <= Self.nameCount, "firstByName has a place for every known name")
        self.storageCapacity = storageCapacity
        storage = .allocate(capacity: storageCapacity)
        fields = .allocate(capacity: Self.fieldCapacity)
        firstByName = .allocate(capacity: Self.nameCount)
        firstByName.initialize(repeating: 0, count: Self.nameCount)
    }

    deinit {
        storage.deallocate()
        fields.deallocate()
        firstByName.deallocate()
    }

    /// Forgets everything; keeps the storage.
    package func reset() {
        storageUsed = 0
        fieldCount = 0
        firstByName.update(repeating: 0, count: Self.nameCount)
        method = .get
        methodSlice = .empty
        path = .empty
        authority = .empty
        connectProtocol = .empty
        schemeIsHTTPS = false
        status = 0
        reason = .empty
        minorVersion = 1
        isHTTP2 = false
    }

    /// A head of its own with the same contents. Allocates.
    package func copy() -> Head {
        let copy = Head(storageCapacity: max(storageCapacity, 64))
        copy.adopt(UnsafeRawBufferPointer(start: storage, count: storageUsed))
        copy.fields.update(from: fields, count: fieldCount)
        copy.fieldCount = fieldCount
        copy.firstByName.update(from: firstByName, count: Self.nameCount)
        copy.method = method
        copy.methodSlice = methodSlice
        copy.path = path
        copy.authority = authority
        copy.connectProtocol = connectProtocol
        copy.schemeIsHTTPS = schemeIsHTTPS
        copy.status = status
        copy.reason = reason
        copy.minorVersion = minorVersion
        copy.isHTTP2 = isHTTP2
        return copy
    }

    // MARK: - Storage

    /// Copies a parsed head's bytes in. Slices counted from the start of `bytes` are valid from then on. The storage must be
    /// empty.
    package func adopt(_ bytes: UnsafeRawBufferPointer) {
        precondition(storageUsed == 0, "a head adopts its bytes once, before anything is appended")
        reserve(bytes.count)
        if let base = bytes.baseAddress {
            UnsafeMutableRawPointer(storage).copyMemory(from: base, byteCount: bytes.count)
        }
        storageUsed = bytes.count
    }

    /// Copies bytes to the end of the storage and says where they stand now.
    package func append(_ bytes: UnsafeRawBufferPointer) -> Slice {
        reserve(bytes.count)
        if let base = bytes.baseAddress {
            UnsafeMutableRawPointer(storage + storageUsed).copyMemory(from: base, byteCount: bytes.count)
        }
        defer { storageUsed += bytes.count }
        return Slice(offset: storageUsed, length: bytes.count)
    }

    /// Copies a string's UTF-8 to the end of the storage. For slow paths and constants.
    package func append(_ string: StaticString) -> Slice {
        append(UnsafeRawBufferPointer(start: string.utf8Start, count: string.utf8CodeUnitCount))
    }

    /// Copies a string's UTF-8 to the end of the storage. Not for the hot path.
    package func append(_ string: String) -> Slice {
        var string = string
        return string.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Makes room for `count` more bytes, so that pointers into `storage` taken afterwards stay valid while they are appended.
    package func reserve(_ count: Int) {
        guard storageUsed + count > storageCapacity else { return }
        grow(by: count)
    }

    @inline(never)
    private func grow(by count: Int) {
        var capacity = storageCapacity
        while capacity < storageUsed + count { capacity *= 2 }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: storage, count: storageUsed)
        storage.deallocate()
        storage = larger
        storageCapacity = capacity
    }

    /// The bytes of a slice. Valid until the storage grows.
    @inlinable package func bytes(_ slice: Slice) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: storage + Int(slice.offset), count: Int(slice.length))
    }

    /// The text of a slice, invalid UTF-8 repaired. Not for the hot path.
    package func string(_ slice: Slice) -> String { String(decoding: bytes(slice), as: UTF8.self) }

    // MARK: - Fields

    /// Adds a field at the end. False (and nothing added) when the head is full.
    @inlinable @discardableResult
    package func appendField(name: Slice, value: Slice, id: FieldName) -> Bool {
        guard fieldCount < Self.fieldCapacity else { return false }
        (fields + fieldCount).initialize(to: Field(name: name, value: value, id: id))
        fieldCount += 1
        let known = Int(id.rawValue)
        if firstByName[known] == 0 { firstByName[known] = UInt8(truncatingIfNeeded: fieldCount) }
        return true
    }

    /// Adds a field with a known name, spelled in lower case.
    @discardableResult
    package func appendField(_ id: FieldName, value: Slice) -> Bool {
        let spelling = id.spelling
        return appendField(name: append(spelling), value: value, id: id)
    }

    /// Adds a field whose bytes are copied in as a line of HTTP/1, `name: value CR LF`, the form in which a parsed head holds its
    /// fields: the writer copies neighbours of that form in one piece. False (and nothing added) when the head is full.
    @discardableResult
    package func appendFieldLine(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, id: FieldName) -> Bool {
        guard fieldCount < Self.fieldCapacity else { return false }
        reserve(name.count + value.count + 4)
        let start = storageUsed
        let line = UnsafeMutableRawPointer(storage + start)
        if let base = name.baseAddress { line.copyMemory(from: base, byteCount: name.count) }
        line.storeBytes(of: UInt16(littleEndian: 0x203A), toByteOffset: name.count, as: UInt16.self)
        let valueOffset = name.count + 2
        if let base = value.baseAddress { (line + valueOffset).copyMemory(from: base, byteCount: value.count) }
        line.storeBytes(of: UInt16(littleEndian: 0x0A0D), toByteOffset: valueOffset + value.count, as: UInt16.self)
        storageUsed = start + valueOffset + value.count + 2
        return appendField(
            name: Slice(offset: start, length: name.count),
            value: Slice(offset: start + valueOffset, length: value.count), id: id)
    }

    /// The position of the first field of a known name that was not removed, or nil. O(1) while nothing was removed.
    @inlinable package func firstIndex(of id: FieldName) -> Int? {
        let first = firstByName[Int(id.rawValue)]
        if first == 0 { return nil }
        var index = Int(first) - 1
        if !fields[index].isRemoved { return index }
        while index < fieldCount {
            if fields[index].id == id, !fields[index].isRemoved { return index }
            index += 1
        }
        return nil
    }

    /// The value of the first field of a known name.
    @inlinable package func value(of id: FieldName) -> Slice? {
        guard let index = firstIndex(of: id) else { return nil }
        return fields[index].value
    }

    /// Whether a known name occurs.
    @inlinable package func has(_ id: FieldName) -> Bool { firstIndex(of: id) != nil }

    /// Removes every field of a known name (never `other`).
    package func removeAll(_ id: FieldName) {
        precondition(id != .other, "`other` is every unknown name: remove those by their spelling")
        let first = Int(firstByName[Int(id.rawValue)])
        guard first > 0 else { return }
        for index in (first - 1)..<fieldCount where fields[index].id == id { fields[index].isRemoved = true }
        firstByName[Int(id.rawValue)] = 0
    }

    /// Replaces the first field of a known name and removes its repetitions, or adds the field. `value` must be a slice of this
    /// head's storage.
    package func setField(_ id: FieldName, value: Slice) {
        if let index = firstIndex(of: id) {
            fields[index].value = value
            for later in (index + 1)..<max(fieldCount, index + 1) where fields[later].id == id {
                fields[later].isRemoved = true
            }
        } else {
            appendField(id, value: value)
        }
    }

    /// The first position at or after `start` of a field with this lower-case spelling that was not removed.
    package func firstIndex(named lower: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> Int? {
        guard let spelling = lower.baseAddress else { return nil }
        var index = start
        while index < fieldCount {
            let field = fields[index]
            if field.name.count == lower.count, !field.isRemoved,
                equalIgnoringCase(storage + field.name.start, spelling, count: lower.count)
            {
                return index
            }
            index += 1
        }
        return nil
    }

    /// Removes every field with this lower-case spelling.
    package func removeAll(named lower: UnsafeBufferPointer<UInt8>) {
        var index = 0
        while let found = firstIndex(named: lower, from: index) {
            fields[found].isRemoved = true
            index = found + 1
        }
    }
}
