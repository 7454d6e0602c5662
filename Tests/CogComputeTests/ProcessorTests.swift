import CKernels
import Testing

struct ProcessorTests {
  @Test(
    "How far ahead weights are asked for is what was measured on a family",
    arguments: [
      (COG_INTEL, UInt32(6), 4096), (COG_AMD, 25, 0), (COG_AMD, 26, 6144), (COG_AMD, 27, 6144),
      (COG_AMD, 23, 0), (COG_OTHER_VENDOR, 0, 0), (COG_OTHER_VENDOR, 26, 0),
    ])
  func bytesAhead(vendor: CogVendor, number: UInt32, expected: Int) {
    #expect(cog_bytes_ahead(CogProcessorFamily(vendor: vendor, number: number)) == expected)
  }

  @Test("A processor is of the same family whenever it is asked, and of x86 only where it is one")
  func family() {
    let (first, second) = (cog_processor_family(), cog_processor_family())
    #expect(first.vendor == second.vendor && first.number == second.number)
    #if arch(x86_64)
      #expect(first.number >= 6)
    #else
      #expect(first.vendor == COG_OTHER_VENDOR && first.number == 0)
    #endif
  }
}
