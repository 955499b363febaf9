import Testing

@testable import Istio

/// Files that mean harm, or are merely broken: each ends in a sentence with a line, soon.
@Suite struct HostileTests {
    private func failure(_ text: String) -> Diagnostic? {
        let file = decode(text)
        #expect(file.parseFailed)
        #expect(file.resources.isEmpty)
        return file.diagnostics.first { $0.severity == .error }
    }

    @Test("aliases that multiply end at the count of nodes")
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...6 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(failure(text)?.message.contains("nodes") == true)
        for level in 7...30 { text += "a\(level): [*a\(level - 1)]\n" }
        #expect(failure(text) != nil)
    }

    @Test("aliases in keys are refused before they are hashed")
    func aliasKeys() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...6 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(failure(text + "? *a6\n: x\n") != nil)
        #expect(failure(text + "*a6 : x\n") != nil)
        #expect(failure(text + "b: {[*a6]: x}\n") != nil)
    }

    @Test("an alias of what it stands in is refused")
    func cycle() {
        #expect(failure("a: &a [*a]\n")?.location.line == 1)
        #expect(failure("a: *nothing\n")?.message.contains("alias") == true)
    }

    @Test("deep nesting is refused")
    func depth() {
        #expect(failure("a: " + String(repeating: "[", count: 500) + String(repeating: "]", count: 500)) != nil)
        #expect(failure(String(repeating: "[", count: 100_000)) != nil)
        #expect(failure(String(repeating: "{a: ", count: 100_000)) != nil)
        #expect(failure(String(repeating: "- ", count: 100_000) + "a") != nil)
    }

    @Test("a huge scalar is only a long string")
    func hugeScalar() {
        let file = decode(document("Gateway", "selector: {a: \"\(String(repeating: "x", count: 4 << 20))\"}"))
        #expect(file.resources.count == 1)
        #expect(decode(String(repeating: "#", count: DecodeLimits.fileBytesMax + 1)).parseFailed)
    }

    @Test("a key given twice is named with both lines")
    func duplicateKeys() {
        let text = "kind: Gateway\nspec:\n  servers: []\n  # more\n  selector: {}\n  servers: []\n"
        let finding = failure("# first\n---\n" + text)
        #expect(finding?.location.line == 8)
        #expect(finding?.message == "the key \"servers\" is given twice in one mapping, first in line 5")
        #expect(failure("{a: 1, a: 2}")?.location.line == 1)
    }

    @Test("a template that was left in is told as such")
    func templates() {
        for line in ["name: {{ .Release.Name }}", "name: {{ .Release.Name }}-x", "{{- if .Values.on }}"] {
            let finding = failure("kind: Gateway\nmetadata:\n  \(line)\n")
            #expect(finding?.message.contains("template") == true, "\(line): \(String(describing: finding))")
            #expect(finding?.location.line == 3)
        }
    }

    @Test("tabs, control characters and bytes that are not UTF-8 are named with their line")
    func bytes() {
        #expect(failure("a:\n\tb: 1\n")?.message.contains("tab") == true)
        #expect(failure("a: 1\nb: \u{0}\n")?.location.line == 2)
        let file = Istio.Decoder.decode(file: "x", bytes: Array("a: 1\nb: ".utf8) + [0xFF, 0x0A])
        #expect(file.parseFailed)
        #expect(file.diagnostics.map(\.location.line) == [2])
    }

    @Test("merge keys and anchors of ordinary use work")
    func merge() throws {
        let file = decode(
            document(
                "VirtualService",
                """
                hosts: [a]
                http:
                - &first
                  timeout: 1s
                  route: [{destination: {host: a}}]
                - <<: *first
                  timeout: 2s
                """))
        #expect(file.diagnostics.isEmpty, "\(file.diagnostics)")
        guard case .virtualService(let service)? = file.resources.first else { throw Missing() }
        #expect(service.http.map(\.timeoutMilliseconds) == [1000, 2000])
        #expect(service.http[1].route.count == 1)
    }

    @Test("many keys, hosts and merges cost no more than their number")
    func large() {
        let fields = (0..<60_000).map { "unknownFieldOfSomeLength\($0): 1" }.joined(separator: "\n")
        #expect(decode(document("Gateway", fields)).broken.count == 1)
        let labels = (0..<30_000).map { "k\($0): v" }.joined(separator: ", ")
        let merges = "anchor: &a {\(labels)}\nselector: {<<: [*a, *a, *a, *a]}"
        #expect(decode(document("Gateway", merges)).broken.count == 1)
        let hosts = (0..<60_000).map { "'*.h\($0).com'" }.joined(separator: ", ")
        let file = decode(document("VirtualService", "hosts: [\(hosts)]\nhttp: [{redirect: {uri: /}}]"))
        #expect(file.resources.flatMap(Validation.validate).filter { $0.severity == .error }.count == 1)
    }

    @Test("findings of one file are bounded")
    func findings() {
        let fields = (0..<5000).map { "unknown\($0): 1" }.joined(separator: "\n")
        let file = decode(document("Gateway", fields))
        #expect(file.diagnostics.count <= DecodeLimits.diagnosticsMax + 1)
    }
}
