import Istio
import Testing

@testable import Control

@Suite("Files as they are read")
struct DecodedFilesTests {
    private func read(_ text: String) -> DecodedFile {
        var files = DecodedFiles()
        let scan = ConfigDirectory.Scan(files: [.init(path: "a.yaml", content: .text(text))])
        return files.update(scan)[0].decoded
    }

    @Test("A resource that Istio's rules refuse is broken, and the file's others are not")
    func validates() {
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: ok}\nspec: {ports: [{port: 80, name: http}]}\n"
        let refused = """
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: shop}
            spec:
              hosts: [shop.example]
              http: [{directResponse: {status: 99999}}]
            """
        let decoded = read(service + "---\n" + refused)
        #expect(decoded.resources.map(\.name) == ["ok"])
        #expect(decoded.broken.map(\.id.name) == ["shop"])
        #expect(decoded.diagnostics.contains { $0.message.contains("99999") })
    }

    @Test("An empty file is one that is about to be written: it takes nothing back")
    func empty() {
        for text in ["", "\n \n"] {
            let decoded = read(text)
            #expect(decoded.parseFailed)
            #expect(decoded.diagnostics.map(\.severity) == [.warning])
        }
    }
}
