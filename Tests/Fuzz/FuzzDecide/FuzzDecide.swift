import Glibc
import Routing
import Wire

// A table and a request from the same bytes: decide and explain must agree, and every edit and reply must survive
// whatever the head holds.

/// Reads choices and texts off the input; past its end everything is zero.
private struct Source {
    var bytes: UnsafeRawBufferPointer
    var position = 0

    var isEmpty: Bool { position >= bytes.count }

    mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func choice(_ count: Int) -> Int { Int(byte()) % count }

    mutating func raw(_ countMax: Int) -> [UInt8] { (0..<choice(countMax + 1)).map { _ in byte() } }

    mutating func text() -> String {
        switch choice(4) {
        case 0: ["/", "/a", "/a/b", "", "a", "*", "x", "%REQ(x)%", ".*", "host"][choice(10)]
        default: String(decoding: raw(12), as: UTF8.self)
        }
    }

    mutating func match() -> StringMatch {
        switch choice(4) {
        case 0: .present
        case 1: .exact(text())
        case 2: .prefix(text())
        default: .regex(text())
        }
    }

    mutating func operations() -> HeaderOperations {
        HeaderOperations(
            remove: choice(2) == 0 ? [] : [text()],
            set: choice(2) == 0 ? [] : [HeaderValue(name: text(), value: text())],
            add: choice(2) == 0 ? [] : [HeaderValue(name: text(), value: text())],
            authority: choice(4) == 0 ? text() : nil)
    }

    mutating func action() -> RouteAction {
        switch choice(4) {
        case 0:
            .redirect(
                RedirectAction(
                    scheme: choice(2) == 0 ? nil : text(), authority: choice(2) == 0 ? nil : text(),
                    port: choice(3) == 0 ? Int(byte()) * 300 : nil, uri: choice(2) == 0 ? nil : text(),
                    prefixRewrite: choice(2) == 0 ? nil : text()))
        case 1: .direct(DirectAction(status: 200 + Int(byte()), body: choice(2) == 0 ? nil : raw(20)))
        default:
            .forward(
                ForwardAction(
                    destinations: (0..<choice(4)).map { _ in
                        Destination(
                            cluster: .index(choice(3)), weight: choice(4), requestHeaders: operations(),
                            responseHeaders: operations())
                    }, requestHeaders: operations(),
                    rewrite: Rewrite(
                        uri: choice(3) == 0 ? text() : nil, regex: choice(3) == 0 ? text() : nil,
                        regexReplacement: text(),
                        authority: choice(3) == 0 ? text() : nil)))
        }
    }

    mutating func route(_ place: Provenance) -> RouteSpec {
        let path: PathMatch =
            switch choice(4) {
            case 0: .any
            case 1: .exact(text(), ignoreCase: choice(4) == 0)
            case 2: .prefix(text(), ignoreCase: choice(4) == 0)
            default: .regex(text())
            }
        return RouteSpec(
            name: "r", path: path, method: choice(4) == 0 ? match() : nil, authority: choice(4) == 0 ? match() : nil,
            headers: choice(2) == 0 ? [] : [NamedMatch(name: text(), match: match(), isInverted: choice(2) == 0)],
            queryParameters: choice(2) == 0 ? [] : [NamedMatch(name: text(), match: match())], action: action(),
            responseHeaders: operations(), provenance: place)
    }

    mutating func head() -> Head {
        let head = Head()
        func slice(_ bytes: [UInt8]) -> Slice { bytes.withUnsafeBytes { head.append($0) } }
        head.methodSlice = slice(raw(5))
        head.path = slice(choice(4) == 0 ? raw(30) : [UInt8(ascii: "/")] + raw(30))
        head.authority = slice(raw(12))
        head.schemeIsHTTPS = choice(2) == 0
        head.status = 200
        for _ in 0..<choice(6) {
            let name = Array(choice(2) == 0 ? "x".utf8 : "x-forwarded-proto".utf8)
            let id: FieldName = name.count == 1 ? .other : .xForwardedProto
            head.appendField(name: slice(name), value: slice(raw(12)), id: id)
        }
        return head
    }
}

/// libFuzzer's loop. SwiftPM renames a program's `main`, so that libFuzzer's own is never linked and is called from ours.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer,
    _ test: @convention(c) (UnsafeRawPointer, Int) -> CInt
) -> CInt

@main
private enum Program {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(runFuzzer(&count, &arguments, fuzzDecide))
    }
}

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDecide(_ start: UnsafeRawPointer, _ count: Int) -> CInt {
    var source = Source(bytes: UnsafeRawBufferPointer(start: start, count: count))
    let place = Provenance(kind: "Fuzz", namespace: "", name: "", file: "", line: 0)
    let hosts = (0...source.choice(3)).map { _ in
        VirtualHostSpec(
            name: "v", domains: (0...source.choice(2)).map { _ in source.choice(2) == 0 ? "*" : source.text() },
            routes: (0..<source.choice(16)).map { _ in source.route(place) }, requiresTLS: source.choice(8) == 0,
            provenance: place)
    }
    let table = RouteTable(
        [RouteConfigurationSpec(name: "c", virtualHosts: hosts, matchesPort: source.choice(2) == 0)], seed: 1)
    let modes = [PathNormalization.none, .base, .mergeSlashes, .decodeAndMergeSlashes]
    repeat {
        let head = source.head()
        guard PathNormalizer.normalize(head, mode: modes[source.choice(4)]) else { continue }
        let draw = UInt64(source.byte())
        let decision = table.decide(0, head, draw: draw)
        precondition(table.explain(0, head, draw: draw).decision == decision, "decide and explain differ")
        guard decision.route >= 0 else { continue }
        let context = FormatContext()
        let answer = Head()
        switch table.route(decision.route).action {
        case .redirect: table.redirectReply(decision, request: head, into: answer, context: context)
        case .direct: _ = table.directReply(decision, request: head, into: answer, context: context)
        case .forward:
            table.applyRequest(decision, to: head, context: context)
            answer.status = 200
            table.applyResponse(decision, to: answer, request: head, context: context)
        }
    } while !source.isEmpty
    return 0
}
