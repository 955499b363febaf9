import Testing

@testable import Demo

@Suite struct MarkTests {
    private let text = """
        spec:
          #tls identity: {}
          #log accessLogFile: /dev/stdout
          workers: 1 #tls is a word here
        # `#tls ` marks lines

        """

    @Test("Marked lines come into force at their own indentation, each kind by itself")
    func taken() {
        let secure = Mark.taken([.certificates], from: text)
        #expect(secure.contains("\n  identity: {}\n  #log access"))
        #expect(secure.contains("workers: 1 #tls is a word here\n# `#tls ` marks lines\n"))
        #expect(Mark.taken([.certificates, .accessLog], from: text).contains("\n  accessLogFile: /dev/stdout\n"))
    }

    @Test("Without a mark the text stays as it is")
    func untouched() { #expect(Mark.taken([], from: text) == text) }
}
