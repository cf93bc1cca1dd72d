# inkstone score: files against references.
. "$(dirname "$0")/lib.sh"
printf 'the cat sat on the mat\nHello, world!\n' >hyp
printf 'the cat sat on a mat\nHello world!\n' >ref
printf 'a cat sat on the mat\nHello, world!\n' >other

# as sacrebleu 2.6 prints it, but for the version
run score hyp ref --metric bleu,chrf++,ter --digits 1
expect_status 0
expect_silent_err
version=$("$INKSTONE" --version | sed 's/ /-/')
cat >wanted <<END
BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:$version = 42.7 80.0/50.0/33.3/25.0 (BP = 1.000 ratio = 1.111 hyp_len = 10 ref_len = 9)
chrF2++|nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:$version = 69.5
TER|nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:$version = 25.0
END
expect_same out wanted
run score hyp ref --metric rouge
[ "$(wc -l <out)" -eq 4 ] || flunk "four lines of ROUGE"
expect_out "rouge1|nrefs:1|case:lc|stem:no|tok:rouge|version:$version = 91.67 (P = 91.67 R = 91.67)"
run score hyp ref other
expect_out "nrefs:2"
expect_out " = 97.40 90.0/100.0"
run score hyp ref --sentences --metric bleu,ter
[ "$(sed -n 1p out | cut -f 2)" = "16.67" ] || flunk "TER of the first line"
[ "$(wc -l <out)" -eq 2 ] || flunk "a line for each"
run score hyp ref --json
expect_json out
expect_out '"score": '
run_with_input "$(cat hyp)" score - ref --metric bleu --digits 1
expect_status 0
expect_out "= 42.7 "

# chance
text_of 100 >lines
sed 's/moon/sun/; s/old/new/' lines >worse
run score lines worse --confidence --metric chrf
expect_status 0
expect_out "bs:1000|seed:12345|case"
expect_out "μ = "
run score worse lines --paired lines --metric bleu
expect_out "  worse: "
expect_out "  lines: 100.00 (μ = 100.00 ± 0.00) (p = 0.0010)*"
run score worse lines --paired worse --paired-test randomization --metric bleu
expect_out "ar:10000|seed:12345"
cp out once
run score worse lines --paired worse --paired-test randomization --metric bleu
expect_same out once

# what lines may be
printf '\357\273\277the cat sat on a mat\r\nHello world!' >marked
run score hyp marked --metric bleu --digits 1
expect_status 0
expect_out "= 42.7 "
expect_err "byte-order mark"
expect_err "CRLF"
run score hyp marked --quiet
expect_silent_err
printf '\n\n' >blank
run score blank ref
expect_status 0
expect_out " = 0.00 0.0/0.0"

# segmentation that no metric asked for
run score hyp ref --metric rouge1 --tokenize intl
expect_usage "--tokenize has no effect without a metric that reads it (--metric bleu)"
run score hyp ref --metric rouge1 --tokenize zh
expect_status 0

# what is wrong
printf 'one\n' >one
run score hyp one
expect_failure "hyp has 2 lines and one has 1"
run score one hyp
expect_failure "one has 1 line and hyp has 2"
run score hyp ref --paired one
expect_failure "hyp has 2 lines and one has 1"
: >empty
run score empty ref
expect_failure "empty" "is empty: a file with text is needed"
run score hyp nowhere
expect_failure "nowhere"
printf 'caf\351\nHello\n' >latin
run score latin ref
expect_failure "latin:1" "UTF-8"
run score latin ref --invalid replace
expect_status 0
expect_err "U+FFFD"
run score hyp
expect_status 2
run score hyp ref --metric bluer
expect_usage "bluer"
run score hyp ref --tokenize mecab
expect_usage "mecab"
run score hyp ref --sentences --confidence
expect_usage "--sentences"
# Chinese without a way to cut it is told of, in the lines that would score 0.
for line in 1 2 3 4 5; do echo '今晚月色真美，我们去湖边散步吧'; done >zh
run score zh zh --metric rouge
expect_status 0
expect_err "--tokenize zh"
run score zh zh --metric bleu,chrf
expect_err "--tokenize zh"
for flags in "--metric rouge --tokenize zh" "--metric bleu --tokenize char" "--metric chrf"; do
  run score zh zh $flags
  expect_not_err "--tokenize"
done
run score hyp ref
expect_not_err "--tokenize zh"
# A perfect system's TER is 0, and so is the mean of its interval.
printf 'one two three\n%.0s' 1 2 3 >perfect
run score perfect perfect --metric ter --confidence --confidence-n 10
expect_out "= 0.00 (μ = 0.00 ± 0.00)"
run score hyp ref --metric bleu,bleu
expect_usage 'has "bleu" twice'
finish
