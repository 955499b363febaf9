/// A YAML node with its line, aliases followed and merge keys (`<<`) applied. What the rest of the module knows of YAML.
struct YAMLNode {
    enum Content {
        case null
        /// `isPlain`: without quotes, so that YAML may read a number or boolean in it.
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        case map([Entry])
    }

    struct Entry {
        var key: String
        var keyLocation: SourceLocation
        var value: YAMLNode
    }

    var content: Content
    var location: SourceLocation

    static func empty(at location: SourceLocation) -> YAMLNode { YAMLNode(content: .map([]), location: location) }
}

// MARK: - Looking inside

extension YAMLNode {
    var entries: [Entry] {
        if case .map(let entries) = content { entries } else { [] }
    }

    var items: [YAMLNode] {
        if case .list(let items) = content { items } else { [] }
    }

    var isNull: Bool {
        if case .null = content { true } else { false }
    }

    /// The entry of a key, unless it is null. A message that concerns it names the key's line.
    func entry(_ key: String) -> Entry? {
        entries.first { $0.key == key && !$0.value.isNull }
    }

    /// The value of a key, unless it is null.
    subscript(key: String) -> YAMLNode? { entry(key)?.value }

    /// What YAML reads in a scalar.
    var scalar: YAMLScalar? {
        guard case .scalar(let text, let isPlain) = content else { return nil }
        return isPlain ? YAMLScalar(plain: text) : .string(text)
    }

    /// A scalar's characters, whatever they mean.
    var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    /// What it is, for messages.
    var noun: String {
        switch content {
        case .null: "nothing"
        case .list: "a list"
        case .map: "a mapping"
        case .scalar(let text, _):
            switch scalar {
            case .boolean: "the boolean \(text.quotedForMessage)"
            case .integer, .number: "the number \(text.quotedForMessage)"
            default: text.quotedForMessage
            }
        }
    }
}

// MARK: - Fields of a checked mapping

// The schema was checked before: what has the wrong shape was told, and counts as absent here.
extension YAMLNode {
    func text(_ key: String) -> String? { self[key]?.text }

    func string(_ key: String) -> String { text(key) ?? "" }

    func int(_ key: String) -> Int? { self[key]?.integer }

    func number(_ key: String) -> Double? { self[key]?.number }

    func bool(_ key: String) -> Bool? { self[key]?.boolean }

    func milliseconds(_ key: String) -> Int? {
        text(key).flatMap(DurationText.nanoseconds).map(DurationText.milliseconds)
    }

    /// A path of a file: a relative one is relative to the directory of the file that it is written in.
    func path(_ key: String) -> String {
        let path = string(key)
        guard !path.isEmpty, !path.hasPrefix("/"), let slash = location.file.lastIndex(of: "/") else { return path }
        return location.file[...slash] + path
    }

    func strings(_ key: String) -> [String] { self[key]?.items.compactMap(\.text) ?? [] }

    func labels(_ key: String) -> [String: String] {
        var labels: [String: String] = [:]
        for entry in self[key]?.entries ?? [] { labels[entry.key] = entry.value.text }
        return labels
    }

    func list<Value>(_ key: String, _ decode: (YAMLNode) -> Value) -> [Value] {
        self[key]?.items.filter { !$0.isNull }.map(decode) ?? []
    }

    func object<Value>(_ key: String, _ decode: (YAMLNode) -> Value) -> Value? {
        entry(key).map { entry in
            // A block is named by the line of its key; its first field may be far below.
            var node = entry.value
            node.location = entry.keyLocation
            return decode(node)
        }
    }

    func choice<Value: RawRepresentable>(_ key: String, _ type: Value.Type) -> Value? where Value.RawValue == String {
        text(key).flatMap(Value.init(rawValue:))
    }

    /// Numbers may be quoted, as in JSON of protocol buffers, and whole numbers may be written as fractions (`1.0`).
    var integer: Int? {
        switch text.map(YAMLScalar.init(plain:)) {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }

    var number: Double? {
        switch text.map(YAMLScalar.init(plain:)) {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    var boolean: Bool? {
        if case .boolean(let value) = scalar { value } else { nil }
    }
}

extension String {
    /// In quotes, shortened, with control characters escaped: strangers' text in a message.
    var quotedForMessage: String {
        var result = "\""
        for scalar in unicodeScalars.prefix(60) {
            result += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return result + (unicodeScalars.count > 60 ? "…\"" : "\"")
    }
}
