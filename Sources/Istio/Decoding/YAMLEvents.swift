import CYaml

/// What libyaml finds in a document, one thing after another; the only type that sees it. Yams' own nodes cost five times as
/// much: they hash every key by a regular expression.
struct YAMLEvents: ~Copyable {
    enum Event {
        case scalar(String, isPlain: Bool, anchor: String?)
        case alias(of: String)
        case listStart(anchor: String?)
        case listEnd
        case mapStart(anchor: String?)
        case mapEnd
        case streamEnd
        /// Where streams and documents begin, and documents end.
        case border
    }

    /// Why libyaml reads no further. Lines are counted from 1.
    struct Fault: Error {
        var line: Int
        var problem: String
        /// What had begun, and where.
        var context: (text: String, line: Int)?
        /// Bytes that are no characters of YAML.
        var isUnreadable: Bool
    }

    /// libyaml keeps its own address in it.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeBufferPointer<UInt8>

    /// `text` is UTF-8, and outlives the events.
    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
        parser = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else { fatalError("there is no memory for a YAML parser") }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event, and the line where it begins, counted from 1.
    mutating func next() throws(Fault) -> (event: Event, line: Int) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw fault() }
        defer { yaml_event_delete(&event) }
        return (Self.translate(event), Int(event.start_mark.line) + 1)
    }

    private static func translate(_ event: yaml_event_t) -> Event {
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE || scalar.style == YAML_ANY_SCALAR_STYLE
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(String(decoding: bytes, as: UTF8.self), isPlain: isPlain, anchor: string(scalar.anchor))
        case YAML_ALIAS_EVENT: return .alias(of: string(event.data.alias.anchor) ?? "")
        case YAML_SEQUENCE_START_EVENT: return .listStart(anchor: string(event.data.sequence_start.anchor))
        case YAML_SEQUENCE_END_EVENT: return .listEnd
        case YAML_MAPPING_START_EVENT: return .mapStart(anchor: string(event.data.mapping_start.anchor))
        case YAML_MAPPING_END_EVENT: return .mapEnd
        case YAML_STREAM_END_EVENT: return .streamEnd
        default: return .border
        }
    }

    private static func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }

    private func fault() -> Fault {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "it is too large"
        guard parser.pointee.error != YAML_READER_ERROR else {
            let line = 1 + text.prefix(parser.pointee.problem_offset).count { $0 == UInt8(ascii: "\n") }
            return Fault(line: line, problem: problem, isUnreadable: true)
        }
        let context = parser.pointee.context.map {
            (text: String(cString: $0), line: Int(parser.pointee.context_mark.line) + 1)
        }
        return Fault(
            line: Int(parser.pointee.problem_mark.line) + 1, problem: problem, context: context, isUnreadable: false)
    }
}
