; Four facts about the bits of A, without a loop:
;   B = how many are set       C = all of them in reverse order
;   D = the lowest set one     E = 1 where their number is odd
;
;   bytesim simulate-cpu examples/bits.asm --registers A=0b00101100   (B=3 C=52 D=4 E=1)

        ; B: add neighbours, then pairs, then the two halves
        MOV   B, A
        MOV   F, A
        SHR   F
        LOADI 0b01010101
        AND   F
        POP   F
        SUB   B, F          ; two bits now hold their own count

        LOADI 0b00110011
        POP   J
        AND   B, J, F
        SHR   B
        SHR   B
        AND   B, J
        ADD   B, F          ; four bits now hold their own count

        MOV   F, B
        SHR   F
        SHR   F
        SHR   F
        SHR   F
        ADD   B, F
        LOADI 0x0F
        POP   J
        AND   B, J

        ; E: the lowest bit of that count
        LOADI 1
        AND   B
        POP   E

        ; D: A and its negative share the lowest set bit and nothing else
        MOV   D, A
        NOT   D
        INC   D
        AND   D, A

        ; C: exchange the halves, then pairs, then neighbours
        MOV   C, A
        ROL   C
        ROL   C
        ROL   C
        ROL   C

        LOADI 0b00110011
        POP   J
        AND   C, J, F
        SHL   F
        SHL   F
        SHR   C
        SHR   C
        AND   C, J
        OR    C, F

        LOADI 0b01010101
        POP   J
        AND   C, J, F
        SHL   F
        SHR   C
        AND   C, J
        OR    C, F

        HLT
