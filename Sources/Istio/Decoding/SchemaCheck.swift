/// Holds a document against the schema: every field is known and has its shape, or is named with its line.
struct SchemaCheck {
    let schema: Schema
    /// `VirtualService ns/name`.
    let resource: String
    private(set) var diagnostics: [Diagnostic] = []
    /// Where the check is: `spec`, `http`, `[2]`, `match`…
    private var path: [PathPart] = []

    private enum PathPart {
        case key(String)
        case index(Int)
    }

    init(schema: Schema, resource: String) {
        self.schema = schema
        self.resource = resource
    }

    /// Checks a mapping against a type. `at`: the field that it is the value of.
    mutating func check(_ node: YAMLNode, type: String, at field: String? = nil) {
        if let field { path.append(.key(field)) }
        checkObject(node, schema.type(type))
        if field != nil { path.removeLast() }
    }

    /// Checks the names at the top of a resource that has a `spec`.
    mutating func checkTop(_ document: YAMLNode) {
        let names = ["apiVersion", "kind", "metadata", "spec", "status"]
        for entry in document.entries where !names.contains(entry.key) {
            error(
                entry.keyLocation, "\(entry.key.quotedForMessage) is not a field of a resource",
                fix: Spelling.nearest(to: entry.key, among: names).map { "did you mean \($0)?" })
        }
    }

    // MARK: - Walking

    private mutating func check(_ node: YAMLNode, _ shape: Schema.Shape, line: SourceLocation) {
        switch shape {
        case .any: break
        case .object(let name): checkObject(node, schema.type(name))
        case .list(let element): checkList(node, element)
        case .map(let value, let allowsNull): checkMap(node, value, allowsNull: allowsNull)
        default: checkScalar(node, shape, line: line)
        }
    }

    private mutating func checkObject(_ node: YAMLNode, _ type: Schema.ObjectType) {
        guard case .map(let entries) = node.content else { return mismatch(node, "a mapping", line: node.location) }
        for entry in entries {
            guard let field = type.field(entry.key) else {
                if !type.isOpen { unknown(entry, in: type) }
                continue
            }
            guard !entry.value.isNull else { continue }
            path.append(.key(entry.key))
            if let shortfall = field.shortfall, !field.isUnsupportedByValue || asksTooMuch(entry.value, field.shape) {
                warn(entry, field, shortfall)
            }
            check(entry.value, field.shape, line: entry.keyLocation)
            path.removeLast()
        }
        for group in type.alternatives {
            let given = entries.filter { group.contains($0.key) && !$0.value.isNull }
            if given.count > 1 {
                error(
                    given[1].keyLocation, "\(place) has both \(given[0].key) and \(given[1].key)",
                    fix: "keep one of them")
            }
        }
    }

    private mutating func checkList(_ node: YAMLNode, _ element: Schema.Shape) {
        guard case .list(let items) = node.content else { return mismatch(node, "a list", line: node.location) }
        for (index, item) in items.enumerated() {
            path.append(.index(index))
            if item.isNull {
                error(item.location, "\(place) is empty", fix: "fill it in or remove it")
            } else {
                check(item, element, line: item.location)
            }
            path.removeLast()
        }
    }

    private mutating func checkMap(_ node: YAMLNode, _ value: Schema.Shape, allowsNull: Bool) {
        guard case .map(let entries) = node.content else { return mismatch(node, "a mapping", line: node.location) }
        for entry in entries {
            path.append(.key(entry.key))
            if !entry.value.isNull {
                check(entry.value, value, line: entry.keyLocation)
            } else if !allowsNull {
                error(entry.keyLocation, "\(place) has no value")
            }
            path.removeLast()
        }
    }

    private mutating func checkScalar(_ node: YAMLNode, _ shape: Schema.Shape, line: SourceLocation) {
        guard let scalar = node.scalar else { return mismatch(node, shape.noun, line: line) }
        switch shape {
        case .string:
            if case .string = scalar { return }
            mismatch(node, "a string", line: line, fix: "write it in quotes")
        case .boolean:
            if node.boolean == nil { mismatch(node, shape.noun, line: line) }
        case .integer(let range):
            guard let integer = node.integer else { return mismatch(node, shape.noun, line: line) }
            if !range.contains(integer) {
                error(line, "\(place) is \(integer), outside \(range.lowerBound)…\(range.upperBound)")
            }
        case .number(let range):
            guard let number = node.number else { return mismatch(node, shape.noun, line: line) }
            if let range, !range.contains(number) {
                error(line, "\(place) is \(number), outside \(range.lowerBound)…\(range.upperBound)")
            }
        case .duration(let allowsZero): checkDuration(node, allowsZero: allowsZero, line: line)
        case .choice(let choices):
            let names = choices.map(\.name)
            guard !names.contains(node.text ?? "") else { return }
            guard !isFull else { return }
            let nearest = Spelling.nearest(to: node.text ?? "", among: names)
            mismatch(
                node, "one of \(names.joined(separator: ", "))", line: line, fix: nearest.map { "did you mean \($0)?" })
        default: break
        }
    }

    private mutating func checkDuration(_ node: YAMLNode, allowsZero: Bool, line: SourceLocation) {
        guard let text = node.text, let nanoseconds = DurationText.nanoseconds(text) else {
            return mismatch(node, "a duration", line: line, fix: "write a number and its unit, such as 1.5s")
        }
        if allowsZero {
            if nanoseconds < 0 { error(line, "\(place) is \(text), less than nothing") }
        } else if nanoseconds < 1_000_000 || nanoseconds % 1_000_000 != 0 {
            error(line, "\(place) is \(text), but must be at least 1ms and whole milliseconds")
        }
    }

    // MARK: - Findings

    private func asksTooMuch(_ node: YAMLNode, _ shape: Schema.Shape) -> Bool {
        switch shape {
        case .boolean: node.boolean == true
        case .choice(let choices): choices.contains { $0.isUnsupported && $0.name == node.text }
        default: true
        }
    }

    private mutating func warn(_ entry: YAMLNode.Entry, _ field: Schema.Field, _ shortfall: String) {
        let value = field.isUnsupportedByValue ? ": \(entry.value.text ?? "")" : ""
        report(
            Diagnostic(
                .warning, at: entry.keyLocation, resource: resource,
                "\(place)\(value) is not honoured yet: \(shortfall)"))
    }

    private mutating func unknown(_ entry: YAMLNode.Entry, in type: Schema.ObjectType) {
        guard !isFull else { return }
        let nearest = Spelling.nearest(to: entry.key, among: type.fields.map(\.name))
        let container = path.isEmpty ? "" : " in \(place)"
        error(
            entry.keyLocation, "\(entry.key.quotedForMessage) is not a field\(container)",
            fix: nearest.map { "did you mean \($0)?" })
    }

    private mutating func mismatch(_ node: YAMLNode, _ expected: String, line: SourceLocation, fix: String? = nil) {
        error(line, "\(place) is \(node.noun), where \(expected) belongs", fix: fix)
    }

    private mutating func error(_ location: SourceLocation, _ message: String, fix: String? = nil) {
        report(Diagnostic(.error, at: location, resource: resource, message, fix: fix))
    }

    private mutating func report(_ diagnostic: Diagnostic) {
        if !isFull { diagnostics.append(diagnostic) }
    }

    /// Enough was found: no more is told, nor looked up.
    private var isFull: Bool { diagnostics.count >= DecodeLimits.diagnosticsMax }

    /// `spec.http[2].match`.
    private var place: String {
        var result = ""
        for part in path {
            switch part {
            case .key(let key): result += result.isEmpty ? key : ".\(key)"
            case .index(let index): result += "[\(index)]"
            }
        }
        return result.isEmpty ? "the document" : result
    }
}

extension Schema.Shape {
    /// What belongs there, for messages.
    fileprivate var noun: String {
        switch self {
        case .string: "a string"
        case .boolean: "true or false"
        case .integer: "a whole number"
        case .number: "a number"
        case .duration: "a duration"
        case .integerOrString: "a number or a name"
        case .choice(let choices): "one of \(choices.map(\.name).joined(separator: ", "))"
        case .list: "a list"
        case .map, .object: "a mapping"
        case .any: "anything"
        }
    }
}
