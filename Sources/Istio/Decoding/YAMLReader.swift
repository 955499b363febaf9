/// One document's text into a `YAMLNode`: aliases are followed, merge keys applied, and equal keys refused.
struct YAMLReader: ~Copyable {
    /// Why a document cannot be read.
    struct Failure: Error {
        var location: SourceLocation
        var message: String
        var fix: String?
    }

    private let file: String
    private let document: YAMLDocument
    private var events: YAMLEvents
    /// What has a name so far: of equal names the last counts.
    private var anchors: [String: YAMLNode] = [:]
    private var aliases = 0
    private var nodesLeft = DecodeLimits.documentNodesMax

    /// nil: the document is empty.
    static func read(_ document: YAMLDocument, file: String) throws(Failure) -> YAMLNode? {
        var result: Result<YAMLNode?, Failure> = .success(nil)
        var text = document.text
        text.withUTF8 { bytes in
            var reader = YAMLReader(file: file, document: document, bytes: bytes)
            do throws(Failure) { result = .success(try reader.read()) } catch { result = .failure(error) }
        }
        return try result.get()
    }

    private init(file: String, document: YAMLDocument, bytes: UnsafeBufferPointer<UInt8>) {
        self.file = file
        self.document = document
        events = YAMLEvents(bytes)
    }

    private mutating func read() throws(Failure) -> YAMLNode? {
        var next = try next()
        while case .border = next.event { next = try self.next() }
        if case .streamEnd = next.event { return nil }
        let root = try node(next, depth: 0)
        // Only at the end is it known whether something follows that does not belong there.
        while true {
            if case .streamEnd = try self.next().event { return root }
        }
    }

    private mutating func next() throws(Failure) -> (event: YAMLEvents.Event, line: Int) {
        do throws(YAMLEvents.Fault) { return try events.next() } catch { throw failure(error) }
    }

    private func location(line: Int) -> SourceLocation { SourceLocation(file: file, line: document.linesBefore + line) }
}

// MARK: - Nodes

extension YAMLReader {
    private mutating func node(
        _ start: (event: YAMLEvents.Event, line: Int), depth: Int
    ) throws(Failure) -> YAMLNode {
        let place = location(line: start.line)
        if case .alias(let name) = start.event { return try node(alias: name, at: place, depth: depth) }
        try count(at: place, depth: depth)
        let node: YAMLNode
        let anchor: String?
        switch start.event {
        case .scalar(let text, let isPlain, let name):
            let isNull = isPlain && YAMLScalar.isNull(plain: text)
            node = YAMLNode(content: isNull ? .null : .scalar(text, isPlain: isPlain), location: place)
            anchor = name
        case .listStart(let name):
            node = YAMLNode(content: .list(try items(depth: depth)), location: place)
            anchor = name
        case .mapStart(let name):
            node = YAMLNode(content: .map(try entries(depth: depth)), location: place)
            anchor = name
        case .alias, .listEnd, .mapEnd, .streamEnd, .border: preconditionFailure("libyaml balances its events")
        }
        if let anchor { anchors[anchor] = node }
        return node
    }

    private mutating func items(depth: Int) throws(Failure) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let next = try next()
            if case .listEnd = next.event { return items }
            items.append(try node(next, depth: depth + 1))
        }
    }

    private mutating func entries(depth: Int) throws(Failure) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var merged: [YAMLNode.Entry] = []
        var keys = KeySet()
        while true {
            let next = try next()
            if case .mapEnd = next.event { break }
            let place = location(line: next.line)
            guard case .scalar(let key, let isPlain, let anchor) = next.event else {
                throw template(near: next.line)
                    ?? Failure(location: place, message: "a key is \(noun(next.event)), where only a name can be")
            }
            if let anchor {
                anchors[anchor] = YAMLNode(content: .scalar(key, isPlain: isPlain), location: place)
            }
            if let first = keys.insert(key, line: place.line) {
                throw Failure(
                    location: place,
                    message: "the key \(key.quotedForMessage) is given twice in one mapping, first in line \(first)",
                    fix: "keep one of them")
            }
            let value = try node(self.next(), depth: depth + 1)
            if key == "<<", isPlain {
                merged += value.entries + value.items.flatMap(\.entries)
            } else {
                entries.append(.init(key: key, keyLocation: place, value: value))
            }
        }
        guard !merged.isEmpty else { return entries }
        var names = Set(entries.map(\.key))
        for entry in merged where names.insert(entry.key).inserted { entries.append(entry) }
        return entries
    }

    private func noun(_ event: YAMLEvents.Event) -> String {
        switch event {
        case .mapStart: "a mapping"
        case .listStart: "a list"
        default: "an alias"
        }
    }
}

/// The keys of one mapping. Most have few, which are found faster without hashing.
private struct KeySet {
    private static let listedMax = 12
    private var listed: [(key: String, line: Int)] = []
    private var lines: [String: Int] = [:]

    /// The line of an equal key before it; nil: it is new.
    mutating func insert(_ key: String, line: Int) -> Int? {
        if listed.count < Self.listedMax {
            if let known = listed.first(where: { $0.key == key }) { return known.line }
            listed.append((key, line))
            return nil
        }
        if lines.isEmpty { for entry in listed { lines[entry.key] = entry.line } }
        if let known = lines[key] { return known }
        lines[key] = line
        return nil
    }
}

// MARK: - Hostile documents

extension YAMLReader {
    private mutating func count(at place: SourceLocation, depth: Int) throws(Failure) {
        nodesLeft -= 1
        guard nodesLeft > 0 else {
            throw Failure(
                location: place,
                message:
                    "the document has more than \(DecodeLimits.documentNodesMax) nodes once its aliases are followed",
                fix: "split it into several documents")
        }
        guard depth < DecodeLimits.depthMax else {
            throw Failure(
                location: place, message: "blocks are nested more than \(DecodeLimits.depthMax) deep")
        }
    }

    /// What the alias stands for counts again: an alias bomb ends at the limit of nodes, and before it takes memory.
    private mutating func node(alias name: String, at place: SourceLocation, depth: Int) throws(Failure) -> YAMLNode {
        aliases += 1
        guard aliases <= DecodeLimits.aliasesMax else {
            throw Failure(
                location: location(line: 1), message: "more than \(DecodeLimits.aliasesMax) aliases in one document")
        }
        guard let node = anchors[name] else {
            throw Failure(location: place, message: "not YAML: found undefined alias")
        }
        try recount(node, depth: depth)
        return node
    }

    private mutating func recount(_ node: YAMLNode, depth: Int) throws(Failure) {
        try count(at: node.location, depth: depth)
        for item in node.items { try recount(item, depth: depth + 1) }
        for entry in node.entries { try recount(entry.value, depth: depth + 1) }
    }
}

// MARK: - What libyaml says

extension YAMLReader {
    private func failure(_ fault: YAMLEvents.Fault) -> Failure {
        let place = location(line: fault.line)
        if fault.isUnreadable { return Failure(location: place, message: "not YAML: \(fault.problem)") }
        if let template = template(near: fault.line) { return template }
        if text(ofLine: fault.line).prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") {
            return Failure(
                location: place, message: "a tab indents this line, which YAML does not allow", fix: "use spaces")
        }
        let circumstance = fault.context.map { " \($0.text) that began in line \(document.linesBefore + $0.line)" }
        return Failure(location: place, message: "not YAML: \(fault.problem)\(circumstance ?? "")")
    }

    /// A template's braces are YAML of a kind, but never what was meant.
    private func template(near line: Int) -> Failure? {
        guard text(ofLine: line).contains("{{") else { return nil }
        return Failure(
            location: location(line: line), message: "a template was left in ({{ … }})",
            fix: "render it first, for instance with helm template")
    }

    private func text(ofLine line: Int) -> Substring {
        // By bytes: as characters, a carriage return and a line feed are one.
        let lines = document.text.utf8.split(
            separator: UInt8(ascii: "\n"), maxSplits: line, omittingEmptySubsequences: false)
        return line >= 1 && line <= lines.count ? Substring(lines[line - 1]) : ""
    }
}
