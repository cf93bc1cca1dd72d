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
run train write poem
expect_err '--output：保存模型的目录'
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

# A bare zh_CN has the character set that the system says: GB2312 or GBK of glibc, so messages are English there.
locales=$PWD/locales
mkdir locales
for set in GBK UTF-8; do
  mkdir "$locales/$set"
  localedef -i zh_CN -f $set "$locales/$set/zh_CN" >out 2>&1
  [ -e "$locales/$set/zh_CN/LC_CTYPE" ] || { skip_part "no localedef for $set" && continue; }
  LOCPATH=$locales/$set LC_ALL=zh_CN INKSTONE_LANG= "$INKSTONE" write -m nowhere >out 2>err
  last="LC_ALL=zh_CN ($set) inkstone write"
  if [ $set = GBK ]; then
    ! LC_ALL=C grep -q '[^ -~]' err || flunk "messages in UTF-8 on a terminal of GBK"
  else
    expect_err "没有"
  fi
done

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

# So have all that `info` shows of generation, and words that are values.
sed -n 's/^SETTING_KEY(.*, "\(.*\)")/\1/p; s/^RULE_KEY(\([a-z_]*\),.*/\1/p' "$SOURCE/src/models/generation.def" | tr _ ' ' >keys
[ "$(wc -l <keys)" -gt 20 ] || flunk 'no keys of generation'
while read -r key; do
  grep -qx "LABEL(\"$key\")" "$SOURCE/src/cli/labels.def" || flunk "info's \"$key\" has no label"
done <keys
run info model
grep -q '起始词元  ' out || flunk 'the opening token is told by name'
! grep -q -e '-1$' out || flunk 'a token that there is not is told'
run bench ops --operator rmsnorm --repeats 1 -q
expect_out '算子'
! grep -q '^测速 *ops' out || flunk 'a value is not translated'

# What `convert` tells of types: a word for people, the same JSON in any language.
run convert model quantized.gguf --type q8_0
expect_out ' 个张量), q8_0 ('
run convert model quantized.gguf --type q8_0 --overwrite --json
expect_out ' tensors), q8_0 ('

# Pages for people are Chinese, too.
run train write poem -o told --size nano --steps 2 --context 16 --valid poem --eval-every 1 --threads 1 -q
for words in '<html lang=zh-CN>' '验证损失' '>学习率<' '训练任务 write，共 2 步' '<td>文件<td>poem' '>接下来<'; do
  grep -qF "$words" told/report.html || flunk "report.html has no $words"
done
! grep -qE '>(Loss|Settings|Text|Next|linear)<|>step ' told/report.html || flunk 'report.html has English words'

# Nouns keep no English plural behind their translation.
printf '狗\t猫\n马\t羊\n' >pairs.tsv
run train translate pairs.tsv -o pairs --size nano --steps 1 --valid pairs.tsv --threads 1
expect_status 0
expect_err '2 个文本对，'
expect_err '源文本：词元数的中位数为 1'
! grep -q '^source' err || flunk 'the lengths in tokens are not translated'
expect_err '共 2 个文本对）'
run translate -m pairs 狗 --explain page.html -q
for words in '<html lang=zh-CN>' '每张表是输出的每个词'; do grep -qF "$words" page.html || flunk "the page of --explain has no $words"; done
# What is said of a line begins as all messages do.
printf '狗\n\300\257\n' >lines
run translate -m pairs -i lines
expect_status 1
expect_err 'inkstone：lines:2：'
expect_err 'inkstone：2 行中有 1 条失败'
finish
