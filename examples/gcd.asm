; Greatest common divisor of A and B, by Euclid. It is left in A.
;
;   bytesim simulate-cpu examples/gcd.asm --registers A=84,B=36
;
; One round turns (A, B) into (B, A mod B). No two bytes need more than twelve; the worst
; are the Fibonacci numbers 144 and 233. Once a remainder is 0 further rounds only exchange
; the two: DIV by 0 gives 255, and 255 * 0 takes nothing away.

        DIV   A, B, C       ; round 1: C = A / B
        MUL   C, B
        SUB   A, C          ; A = A mod B
        SWAP  A, B

        DIV   A, B, C       ; round 2
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 3
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 4
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 5
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 6
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 7
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 8
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 9
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 10
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 11
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        DIV   A, B, C       ; round 12
        MUL   C, B
        SUB   A, C
        SWAP  A, B

        OR    A, B          ; one of them is 0, the other the divisor
        HLT
