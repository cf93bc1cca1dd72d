# Messages in Chinese: each has a translation, people see it, and what machines read is the same.
. "$(dirname "$0")/lib.sh"

# Every message of the sources is in the catalogue (needs gettext's tools, of the package that builds it).
if command -v xgettext >/dev/null; then
  (cd "$SOURCE" && sh scripts/messages.sh --check) >out 2>err
  status=$? last='scripts/messages.sh --check'
  expect_status 0
fi

printf '春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。\n' >poem
export INKSTONE_LANG=zh
run
expect_out '用法：inkstone'
run train --help
expect_out '示例：'
run wirte
expect_status 2
expect_err '未知的命令'
run write -m nowhere
expect_status 1
expect_err 'nowhere'
run score poem poem --metric chrf
expect_status 0
run score poem poem --metric chrf --json
cp out zh.json
INKSTONE_LANG=en run score poem poem --metric chrf --json
expect_same zh.json out
export INKSTONE_LANG=fr
run --version
expect_status 2
expect_err 'INKSTONE_LANG="fr"'

# Readable results have labels in Chinese, aligned by display width; JSON does not.
export INKSTONE_LANG=zh
run train write poem -o model --size nano --steps 1 --context 16 --holdout 0 --threads 1 -q
expect_status 0
run info model
expect_out '架构      llama'
expect_out '  上下文  '
! grep -q parameters out || flunk 'a label is not translated'
run info model --json
expect_out '"parameters"'

# Nouns keep no English plural behind their translation.
printf '狗\t猫\n马\t羊\n' >pairs.tsv
run train translate pairs.tsv -o pairs --size nano --steps 1 --valid pairs.tsv --threads 1
expect_status 0
expect_err '2 个文本对，'
expect_err '共 2 个文本对）'
# What is said of a line begins as all messages do.
printf '狗\n\300\257\n' >lines
run translate -m pairs -i lines
expect_status 1
expect_err 'inkstone：lines:2：'
expect_err 'inkstone：2 行中有 1 条失败'
finish
