import Testing

@testable import Istio

/// Where a file is cut into documents: in the same places where a parser of the whole file sees them end.
@Suite struct YAMLDocumentTests {
    private func cut(_ text: String) -> [String] {
        YAMLDocument.split(text).map { "\($0.linesBefore): \($0.text)" }
    }

    @Test("documents are cut at their markers, with the lines before them")
    func markers() {
        #expect(
            cut("a: 1\n---\nb: |\n  ---x\n--- # c\nc: 1\n----\n") == [
                "0: a: 1\n", "1: ---\nb: |\n  ---x\n", "4: --- # c\nc: 1\n----\n",
            ])
        #expect(cut("---\na: 1") == ["0: ---\na: 1"])
        #expect(cut("a: 1\n...\n# between\n---\nb: 1\n...\n") == ["0: a: 1\n", "3: ---\nb: 1\n"])
        #expect(cut("a: 1\r\n---\r\nb: 1\r\n") == ["0: a: 1\r\n", "1: ---\r\nb: 1\r\n"])
        #expect(cut("\u{FEFF}a: 1\n") == ["0: a: 1\n"])
    }

    @Test("comments, directives and blank lines are no document")
    func empty() {
        for text in ["", "\n", "---", "---\n---\n# x\n---\n", "# x\n%YAML 1.1\n---\n", "...\n...\n", "--- # x\n \t\n"] {
            #expect(cut(text).isEmpty, "\(text)")
        }
        #expect(cut("%YAML 1.1\n---\na: 1\n") == ["1: ---\na: 1\n"])
    }

    @Test("one change of a byte is seen, another spelling of the same character included")
    func comparison() {
        let texts = ["é", "e\u{301}", "e", ""]
        for one in texts {
            for other in texts {
                let (left, right) = (
                    YAMLDocument(text: one[...], linesBefore: 0), YAMLDocument(text: other[...], linesBefore: 9)
                )
                #expect(left.hasText(of: right) == (Array(one.utf8) == Array(other.utf8)))
            }
        }
    }

    @Test("documents by themselves are what the whole file is, line by line, however nasty")
    func pieces() {
        let nasty = [
            "a: 1\n", "- x\n- y\n", "a: |\n  text\n  --- in it\n\n", "a: >-\n  folded\n  ... so\n",
            "a: \"two\n  lines\"\n",
            "a: 'one\n\n  two'\n", "b: {c: [1, 2,\n  3]}\n", "# a comment\n", "\n\n", "--- # c\n", "---\n",
            "--- |\n  literal\n",
            "--- {a: 1}\n", "...\n", "----\n", "--- \t\n", "a: &x {b: 1}\nc: *x\n", "? k\n: v\n", "a: |+\n  kept\n\n\n",
            "--- >\n  x\n",
        ]
        var draws = Draws(state: 7)
        var compared = 0
        for _ in 0..<4000 {
            let text = (0..<Int.random(in: 1...6, using: &draws)).map { _ in nasty.randomElement(using: &draws)! }
                .joined()
            guard let whole = events(text, linesBefore: 0) else { continue }
            compared += 1
            let parts = YAMLDocument.split(text).compactMap { events(String($0.text), linesBefore: $0.linesBefore) }
            #expect(parts.flatMap { $0 } == whole, "\(text)")
        }
        #expect(compared > 1000)
    }

    /// What libyaml reads, with lines; nil: it is not YAML. Documents without content are left out, as splitting does.
    private func events(_ text: String, linesBefore: Int) -> [String]? {
        var text = text
        return text.withUTF8 { bytes in
            var events = YAMLEvents(bytes)
            var result: [String] = []
            while true {
                guard let (event, line) = try? events.next() else { return nil }
                switch event {
                case .streamEnd: return result
                case .border: break
                // A marker with nothing behind it is an empty scalar.
                case .scalar("", isPlain: true, anchor: nil): break
                default: result.append("\(line + linesBefore) \(event)")
                }
            }
        }
    }

    private struct Draws: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 33)
        }
    }
}
