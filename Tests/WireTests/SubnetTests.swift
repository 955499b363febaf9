import Testing

@testable import Wire

@Suite struct SubnetTests {
    private func address(_ text: String) -> SocketAddress { SocketAddress(host: text, port: 1)! }

    @Test func `a range holds its own addresses and no others`() {
        let range = Subnet("10.1.128.0/17")!
        #expect(range.contains(address("10.1.200.3")))
        #expect(!range.contains(address("10.1.127.255")))
        #expect(!range.contains(address("::1")))
        #expect(Subnet("2001:db8::/33")!.contains(address("2001:db8:7fff::1")))
        #expect(!Subnet("2001:db8::/33")!.contains(address("2001:db8:8000::1")))
        #expect(Subnet("0.0.0.0/0")!.contains(address("1.2.3.4")))
    }

    @Test func `bits behind the prefix do not count`() {
        #expect(Subnet("10.1.2.3/8") == Subnet("10.0.0.0/8"))
        #expect(Subnet("10.1.2.3")!.description == "10.1.2.3/32")
    }

    @Test(arguments: ["", "10.0.0.0/33", "10.0.0.0/-1", "a/8", "10.0.0.0/8/8", "10.0.0.0/"])
    func `what is no range is refused`(text: String) { #expect(Subnet(text) == nil) }
}
