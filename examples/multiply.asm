; Multiply A by B with shifts and additions alone. The product is left in D.
; B is at most 15, and the product must fit in a byte.
;
;   bytesim simulate-cpu examples/multiply.asm --registers A=13,B=11

        LOADI 1
        POP   J             ; J = 1 picks the lowest bit
        CLR   D             ; D collects the product

        ; Nothing jumps on this machine, so "add A if the lowest bit of B is set"
        ; becomes "add A and a mask". Division by zero gives 255, which makes the mask:
        ; 0 / bit is 255 where the bit is 0, and NOT turns that round.

        AND   B, J, C       ; bit 0 of B
        CLR   E
        DIV   E, C
        NOT   E             ; E = 255 if the bit is set, otherwise 0
        AND   E, A
        ADD   D, E
        SHL   A             ; the next bit of B weighs twice as much
        SHR   B

        AND   B, J, C       ; bit 1
        CLR   E
        DIV   E, C
        NOT   E
        AND   E, A
        ADD   D, E
        SHL   A
        SHR   B

        AND   B, J, C       ; bit 2
        CLR   E
        DIV   E, C
        NOT   E
        AND   E, A
        ADD   D, E
        SHL   A
        SHR   B

        AND   B, J, C       ; bit 3
        CLR   E
        DIV   E, C
        NOT   E
        AND   E, A
        ADD   D, E

        HLT
