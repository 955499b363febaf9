import Testing
import Wire

@Suite struct FieldNamesTests {
    private func identify(_ text: String) -> FieldName {
        Array(text.utf8).withUnsafeBufferPointer { FieldNames.identify($0.baseAddress!, count: $0.count) }
    }

    @Test("every known name is found in any case", arguments: FieldName.allCases)
    func known(name: FieldName) {
        let spelling = "\(name.spelling)"
        guard !spelling.isEmpty else { return }
        #expect(identify(spelling) == name)
        #expect(identify(spelling.uppercased()) == name)
        #expect(identify(spelling + "x") == .other)
        #expect(identify("x" + spelling) == .other)
        let middle = spelling.index(spelling.startIndex, offsetBy: spelling.count / 2)
        #expect(identify(spelling[..<middle] + "~" + spelling[spelling.index(after: middle)...]) == .other)
    }

    @Test("names that begin with x-envoy- are one family, however long")
    func xEnvoy() {
        #expect(identify("X-Envoy-Max-Retries") == .xEnvoy)
        #expect(identify("x-envoy-") == .xEnvoy)
        #expect(identify("x-envoy-" + String(repeating: "a", count: 100)) == .xEnvoy)
        #expect(identify("x-envoyage") == .other)
    }

    @Test("short and long names are none of ours", arguments: ["a", "ab", "abc", String(repeating: "a", count: 500)])
    func lengths(name: String) { #expect(identify(name) == .other) }
}
