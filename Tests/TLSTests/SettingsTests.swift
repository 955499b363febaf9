import Testing

@testable import TLS

@Test func `settings with equal parts are equal`() {
    let source = CertificateSource(chain: .file("/a"), key: .file("/b"))
    #expect(TLSServerSettings(certificates: [source]) == TLSServerSettings(certificates: [source]))
    #expect(TLSClientSettings(certificate: source) != TLSClientSettings())
}
