import Testing

@testable import HTTP2

@Test func `the windows of a stream and a connection are bounded`() {
    #expect(HTTP2Settings().streamWindowBytes <= HTTP2Settings().connectionWindowBytes)
}
