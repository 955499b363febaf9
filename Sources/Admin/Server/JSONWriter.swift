import Wire

/// Appends JSON to bytes. The caller keeps the order of things right; commas are put by it where they belong.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init() {}

    /// Gives out what was written so far and goes on behind it.
    package mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    // MARK: - Structure

    package mutating func object(_ body: (inout JSONWriter) -> Void) { enclose("{", "}", body) }
    package mutating func array(_ body: (inout JSONWriter) -> Void) { enclose("[", "]", body) }

    package mutating func open(_ bracket: Character) {
        separate()
        raw(String(bracket))
        needsComma = false
    }

    package mutating func close(_ bracket: Character) {
        raw(String(bracket))
        needsComma = true
    }

    private mutating func enclose(_ opening: Character, _ closing: Character, _ body: (inout JSONWriter) -> Void) {
        open(opening)
        body(&self)
        close(closing)
    }

    package mutating func key(_ name: String) {
        separate()
        quote(name)
        raw(":")
        needsComma = false
    }

    // MARK: - Values

    package mutating func value(_ text: String) {
        separate()
        quote(text)
        needsComma = true
    }

    package mutating func value(_ number: some BinaryInteger) { literal(String(number)) }
    package mutating func value(_ flag: Bool) { literal(flag ? "true" : "false") }

    package mutating func field(_ name: String, _ text: String) {
        key(name)
        value(text)
    }

    package mutating func field(_ name: String, _ number: some BinaryInteger) {
        key(name)
        value(number)
    }

    package mutating func field(_ name: String, _ flag: Bool) {
        key(name)
        value(flag)
    }

    /// Any value, by reflection: structs are objects, enums their case's name or an object of it, nil is null. Depth is
    /// bounded. For dumps; slow.
    package mutating func dump(_ value: Any, depth: Int = 0) {
        switch value {
        case let text as String: return self.value(text)
        case let flag as Bool: return self.value(flag)
        case let number as any BinaryInteger: return literal(String(number))
        case let number as any BinaryFloatingPoint: return literal("\(number)")
        // The type is asked for, as an empty array of anything would pass for one of bytes.
        case let bytes as [UInt8] where type(of: value) == [UInt8].self:
            return self.value(String(decoding: bytes, as: UTF8.self))
        case let address as SocketAddress: return self.value(address.description)
        default: break
        }
        guard depth < 24 else { return self.value("…") }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional:
            if let child = mirror.children.first { dump(child.value, depth: depth) } else { literal("null") }
        case .collection, .set:
            array { json in for child in mirror.children { json.dump(child.value, depth: depth + 1) } }
        case .dictionary:
            dumpDictionary(mirror, depth)
        case .enum where mirror.children.isEmpty:
            self.value("\(value)")
        default:
            if mirror.children.isEmpty { return self.value("\(value)") }
            object { json in
                for (index, child) in mirror.children.enumerated() {
                    // A payload without a label is called `.0`.
                    let label = child.label ?? ""
                    json.key(label.isEmpty || label.hasPrefix(".") ? "\(index)" : label)
                    json.dump(child.value, depth: depth + 1)
                }
            }
        }
    }

    private mutating func dumpDictionary(_ mirror: Mirror, _ depth: Int) {
        let pairs = mirror.children.map { child in
            let pair = Array(Mirror(reflecting: child.value).children)
            return (key: "\(pair[0].value)", value: pair[1].value)
        }
        object { json in
            for pair in pairs.sorted(by: { $0.key < $1.key }) {
                json.key(pair.key)
                json.dump(pair.value, depth: depth + 1)
            }
        }
    }

    private mutating func literal(_ text: String) {
        separate()
        raw(text)
        needsComma = true
    }

    // MARK: - Bytes

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }

    private mutating func raw(_ text: String) { bytes += text.utf8 }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): raw("\\\"")
            case UInt8(ascii: "\\"): raw("\\\\")
            case 0x0A: raw("\\n")
            case 0..<0x20: raw("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
