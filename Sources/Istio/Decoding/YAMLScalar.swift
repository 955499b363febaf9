/// What a scalar means, as Kubernetes reads YAML: version 1.1 without its octals, sexagesimals and dates.
enum YAMLScalar: Equatable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)

    /// The meaning of a scalar without quotes.
    init(plain text: String) {
        switch text {
        case _ where Self.isNull(plain: text): self = .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": self = .boolean(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": self = .boolean(false)
        default: self = Self.number(text) ?? .string(text)
        }
    }

    /// Whether a scalar without quotes stands for nothing.
    static func isNull(plain text: String) -> Bool {
        switch text {
        case "", "~", "null", "Null", "NULL": true
        default: false
        }
    }

    private static func number(_ text: String) -> YAMLScalar? {
        let bytes = text.utf8
        guard let first = bytes.first, bytes.count <= 64 else { return nil }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."): break
        default: return nil
        }
        if text.hasPrefix("0x") { return Int(text.dropFirst(2), radix: 16).map { .integer($0) } }
        if let integer = Int(text) { return .integer(integer) }
        let isDecimal = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                true
            default: false
            }
        }
        guard isDecimal, let number = Double(text), number.isFinite else { return nil }
        return .number(number)
    }
}
