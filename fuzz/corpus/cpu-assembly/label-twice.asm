a: HLT
a: HLT