shop-1  COMPLETED  2026-01-05 03:41:00 UTC  20s
critical path: 2 of 6, running 10s, queued 5s

              0s            5s            10s           15s           20s
  shop.look-1   ░░░░████████                                                  4s
● shop.look-2   ░░░░░░░░░████████████                                         7s
  parcel           ░░░▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓                                 9s
  patience         ────────────                                               4s
  hurry                          ◆
● shop.pay-1                           ░░░▓▓▓▓▓▓▒▒▒▒▒░░░████████████      10s x2

░ queued   █ running   ▓ attempt that failed   ▒ waiting to retry   ─ timer
◆ signal   ● critical path
