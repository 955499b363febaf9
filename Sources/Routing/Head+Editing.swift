import Wire

/// Names that routing itself writes or reads and that have no `FieldName` of their own.
enum FieldText {
    static var rateLimited: UnsafeBufferPointer<UInt8> { bytes("x-envoy-ratelimited") }
    static var originalHost: UnsafeBufferPointer<UInt8> { bytes("x-envoy-original-host") }
    static var originalPath: UnsafeBufferPointer<UInt8> { bytes("x-envoy-original-path") }

    /// The known name that a lower-case text spells.
    static func identify(_ name: String) -> FieldName {
        var name = name
        return name.withUTF8 { bytes in
            guard let base = bytes.baseAddress, !bytes.isEmpty else { return .other }
            return FieldNames.identify(base, count: bytes.count)
        }
    }

    private static func bytes(_ text: StaticString) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

extension FieldName {
    /// Whether the name identifies the field; `other` and `xEnvoy` stand for many.
    @inline(__always)
    var isSpecific: Bool { self != .other && self != .xEnvoy }

    /// Whether an added value joins the field's line instead of standing in one of its own: the headers that Envoy
    /// keeps as single values.
    var isSingleLine: Bool {
        switch self {
        case .other, .xEnvoy, .setCookie, .b3, .traceparent, .secWebSocketKey, .proxyAuthorization, .age,
            .http2Settings:
            false
        default: true
        }
    }
}

extension Head {
    // MARK: - Fields by name

    /// The first position at or after `start` of a field, by its known name if that is specific, else by its spelling.
    @inline(__always)
    func position(_ id: FieldName, _ name: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> Int? {
        guard id.isSpecific else { return firstIndex(named: name, from: start) }
        guard let first = firstIndex(of: id) else { return nil }
        var index = max(first, start)
        while index < fieldCount {
            if fields[index].id == id, !fields[index].isRemoved { return index }
            index += 1
        }
        return nil
    }

    /// Removes every field of a name.
    func remove(_ id: FieldName, _ name: UnsafeBufferPointer<UInt8>) {
        if id.isSpecific { removeAll(id) } else { removeAll(named: name) }
    }

    /// Gives the first field of a name this value and removes the others, or adds the field. A full head stays as it
    /// is.
    func set(_ id: FieldName, _ name: UnsafeBufferPointer<UInt8>, value: Slice) {
        guard let first = position(id, name) else {
            appendField(name: append(UnsafeRawBufferPointer(name)), value: value, id: id)
            return
        }
        fields[first].value = value
        var next = first + 1
        while let repeated = position(id, name, from: next) {
            fields[repeated].isRemoved = true
            next = repeated + 1
        }
    }

    /// Adds a value: to the line of a single-line header that is there, else as a field of its own.
    func add(_ id: FieldName, _ name: UnsafeBufferPointer<UInt8>, value: Slice) {
        guard id.isSingleLine, let present = position(id, name) else {
            appendField(name: append(UnsafeRawBufferPointer(name)), value: value, id: id)
            return
        }
        let start = storageUsed
        appendCopy(of: fields[present].value)
        if storageUsed > start { _ = append(id == .cookie ? "; " : "," as StaticString) }
        appendCopy(of: value)
        fields[present].value = Slice(offset: start, length: storageUsed - start)
    }

    // MARK: - Bytes at the storage's end

    /// Copies a part of the storage to its end.
    @discardableResult
    func appendCopy(of slice: Slice) -> Slice {
        // Room first: growing would move the bytes that are being copied.
        reserve(slice.count)
        return append(bytes(slice))
    }

    func appendByte(_ byte: UInt8) {
        var byte = byte
        withUnsafeBytes(of: &byte) { _ = append($0) }
    }

    /// Appends a decimal number with at least so many digits.
    func appendNumber(_ number: Int64, digitsMin: Int = 1) {
        withUnsafeTemporaryAllocation(byteCount: 24, alignment: 1) { digits in
            var start = digits.count
            var rest = number.magnitude
            while rest > 0 || digits.count - start < min(digitsMin, 20) {
                start -= 1
                digits[start] = 0x30 + UInt8(rest % 10)
                rest /= 10
            }
            if number < 0 {
                start -= 1
                digits[start] = UInt8(ascii: "-")
            }
            _ = append(UnsafeRawBufferPointer(rebasing: digits[start...]))
        }
    }

    /// Appends a network address: `1.2.3.4`, `::1`; with its port `1.2.3.4:80`, `[::1]:80`.
    func append(_ address: PeerAddress, withPort: Bool) {
        switch address.family {
        case .none: return
        case .ipv4:
            var shift = 24
            while shift >= 0 {
                if shift < 24 { appendByte(UInt8(ascii: ".")) }
                appendNumber(Int64(address.low >> UInt64(shift) & 0xFF))
                shift -= 8
            }
        case .ipv6:
            if withPort { appendByte(UInt8(ascii: "[")) }
            appendIPv6(address.high, address.low)
            if withPort { appendByte(UInt8(ascii: "]")) }
        }
        if withPort {
            appendByte(UInt8(ascii: ":"))
            appendNumber(Int64(address.port))
        }
    }

    /// RFC 5952: lower-case groups without leading zeros, the first longest run of two or more zero groups as `::`.
    private func appendIPv6(_ high: UInt64, _ low: UInt64) {
        func group(_ index: Int) -> UInt16 {
            UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - index % 4 * 16))
        }
        var gapStart = 8
        var gapCount = 1
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, group(end) == 0 { end += 1 }
            if end - index > gapCount {
                gapStart = index
                gapCount = end - index
            }
            index = end + 1
        }
        index = 0
        while index < 8 {
            if index == gapStart {
                _ = append("::" as StaticString)
                index += gapCount
                continue
            }
            if index > 0, index != gapStart + gapCount || gapStart == 8 { appendByte(UInt8(ascii: ":")) }
            appendHexadecimal(group(index))
            index += 1
        }
    }

    private func appendHexadecimal(_ value: UInt16) {
        var shift = 12
        while shift > 0, value >> UInt16(shift) == 0 { shift -= 4 }
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt16(shift) & 0xF)
            appendByte(digit < 10 ? 0x30 + digit : 0x57 + digit)
            shift -= 4
        }
    }
}
