/// The fields of the resources: their shapes, and which of them Outrider does not honour yet. Read from the tables in
/// `Support.swift`, once; the check of files and the page of supported fields both follow it.
struct Schema: Sendable {
    /// What may stand in a field.
    indirect enum Shape: Sendable {
        case string
        /// `warnsIfTrue`: false is what Outrider does anyway.
        case boolean(warnsIfTrue: Bool)
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>?)
        /// `allowsZero`: otherwise at least 1 ms and whole milliseconds.
        case duration(allowsZero: Bool)
        case integerOrString
        case choice([Choice])
        case list(Shape)
        case map(Shape, allowsNull: Bool)
        case object(String)
        /// Not looked into.
        case any
    }

    /// A name of an enumeration; `isUnsupported`: known, not honoured yet.
    struct Choice: Sendable {
        var name: String
        var isUnsupported: Bool
    }

    struct Field: Sendable {
        var name: String
        var shape: Shape
        /// What happens instead of what the field asks for; nil: it is honoured.
        var shortfall: String?

        /// Whether the shortfall is about some values only, which the shape marks.
        var isUnsupportedByValue: Bool {
            switch shape {
            case .boolean(let warnsIfTrue): warnsIfTrue
            case .choice(let choices): choices.contains(where: \.isUnsupported)
            default: false
            }
        }
    }

    struct ObjectType: Sendable {
        var name: String
        /// Fields that are not listed are of no concern to a proxy.
        var isOpen = false
        /// Of each group at most one may be given.
        var alternatives: [[String]] = []
        var fields: [Field] = []

        func field(_ name: String) -> Field? { fields.first { $0.name == name } }
    }

    private(set) var types: [String: ObjectType] = [:]

    func type(_ name: String) -> ObjectType {
        guard let type = types[name] else { preconditionFailure("the support tables name no type \(name)") }
        return type
    }
}

// MARK: - Reading the tables

extension Schema {
    /// A type is a line without indent, `Name`, `Name ...` (open) or `Name one-of a,b`; its fields are the indented lines below
    /// it, `name: shape` or `name: shape -- what happens instead`. A mistake here is a programmer's.
    init(tables: [String]) {
        for table in tables {
            var type: ObjectType?
            for line in table.split(separator: "\n") {
                if line.hasPrefix(" ") {
                    type?.fields.append(Self.field(line))
                } else {
                    if let type { types[type.name] = type }
                    type = Self.header(line)
                }
            }
            if let type { types[type.name] = type }
        }
    }

    private static func header(_ line: Substring) -> ObjectType {
        let words = line.split(separator: " ").map(String.init)
        var type = ObjectType(name: words[0])
        for index in words.indices.dropFirst() {
            if words[index] == "..." { type.isOpen = true }
            if words[index - 1] == "one-of" {
                type.alternatives.append(words[index].split(separator: ",").map(String.init))
            }
        }
        return type
    }

    private static func field(_ line: Substring) -> Field {
        let halves = split(line.drop { $0 == " " }, at: " -- ")
        let parts = split(halves.0, at: ": ")
        return Field(name: String(parts.0), shape: shape(parts.1), shortfall: halves.1.isEmpty ? nil : String(halves.1))
    }

    private static func split(_ text: Substring, at separator: String) -> (Substring, Substring) {
        guard let range = text.firstRange(of: separator) else { return (text, "") }
        return (text[..<range.lowerBound], text[range.upperBound...])
    }

    private static func shape(_ text: Substring) -> Shape {
        switch text {
        case "string": return .string
        case "bool": return .boolean(warnsIfTrue: false)
        case "bool!": return .boolean(warnsIfTrue: true)
        case "int": return .integer(-0x8000_0000...0xFFFF_FFFF)
        case "uint": return .integer(0...0xFFFF_FFFF)
        case "percent": return .integer(0...100)
        case "port": return .integer(1...65535)
        case "number": return .number(nil)
        case "share": return .number(0...100)
        case "duration": return .duration(allowsZero: false)
        case "span": return .duration(allowsZero: true)
        case "int|string": return .integerOrString
        case "any": return .any
        default: break
        }
        if text.hasPrefix("[") { return .list(shape(text.dropFirst().dropLast())) }
        if text.hasPrefix("{") {
            let inner = text.dropFirst().dropLast()
            let allowsNull = inner.hasSuffix("?")
            return .map(shape(allowsNull ? inner.dropLast() : inner), allowsNull: allowsNull)
        }
        if text.contains("|") {
            return .choice(
                text.split(separator: "|").map { name in
                    let isUnsupported = name.hasSuffix("!")
                    return Choice(name: String(isUnsupported ? name.dropLast() : name), isUnsupported: isUnsupported)
                })
        }
        return .object(String(text))
    }
}
