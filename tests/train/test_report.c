/* The report: what the log tells survives crashes and rollbacks; the page holds it, escaped, and needs
 * nothing else. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scratch.h"
#include "text/plot.h"
#include "train/log.h"
#include "train/report.h"

#include <cmocka.h> /* last: it defines fail() */

static bool read_log(Report *r, const char *text, Error *err) {
  assert_true(file_replace(in_scratch("log.jsonl"), text, strlen(text), NULL));
  report_open(r, "model");
  return report_from_log(r, in_scratch("log.jsonl"), err);
}

static void what_the_log_tells(void **state) {
  Report r;
  assert_true(read_log(&r,
                       "{\"step\":1,\"time\":0.5,\"loss\":3.5,\"lr\":0.001,\"tokens_per_second\":100.0}\n"
                       "{\"step\":1,\"sample\":\"春眠\"}\n"
                       "{\"step\":2,\"time\":1,\"loss\":3,\"valid_loss\":3.25}\n"
                       "{\"step\":2,\"remark\":\"slow\"}\n"
                       "{\"step\":3,\"time\":1.5,\"lo",
                       NULL)); /* a crash cut the last line */
  assert_int_equal(r.points.count, 2);
  const ReportPoint *p = r.points.data;
  assert_true(p[0].step == 1 && p[0].loss == 3.5 && p[0].valid_loss == 0 && p[0].learning_rate == 0.001);
  assert_true(p[1].step == 2 && p[1].loss == 3 && p[1].valid_loss == 3.25 && p[0].tokens_per_second == 100);
  assert_int_equal(r.texts.count, 2);
  assert_string_equal(r.texts.data[0].text, "春眠");
  assert_true(!r.texts.data[0].remark && r.texts.data[1].remark);
  assert_true(r.steps == 2 && r.seconds == 1); /* no card says otherwise */
  report_close(&r);
}

static void what_the_log_writes(void **state) {
  TrainLog log;
  Report r;
  Error err = {0};
  assert_true(log_open(&log, scratch, 0, &err));
  for (int64_t i = 1; i <= 10; i++)
    assert_true(log_step(&log, &(LogStep){.step = i, .seconds = (double)i, .loss = 1.0 / (double)i}, &err));
  assert_true(log_sample(&log, 10, "a \"text\"\n", &err));
  assert_true(log_sample(&log, 10, "no\xff character, and a cut one: 春\xe7\x9c", &err));
  log_close(&log);
  report_open(&r, "model");
  assert_true(report_from_log(&r, in_scratch("log.jsonl"), &err));
  assert_string_equal(r.texts.data[1].text, "no\xef\xbf\xbd character, and a cut one: 春");
  assert_int_equal(r.points.count, 10);
  assert_true(r.points.data[9].loss == 0.1 && r.points.data[9].seconds == 10);
  assert_string_equal(r.texts.data[0].text, "a \"text\"\n");
  report_close(&r);
}

/* Steps 2 and 3 diverged and were done again. */
/* A curve that falls steeply at first: its smoothed line lies at the points, not above them. */
static void smoothing_does_not_lag(void **state) {
  PlotSeries series = {.name = "loss", .css = "a", .smooth = true};
  for (int i = 0; i < 300; i++) vec_push(&series.points, ((PlotPoint){i + 1, 0.1 + 6 * exp(-i / 20.0)}));
  Buffer out = {0};
  plot_svg(&out, &(Plot){.x_name = "step", .series = &series, .count = 1, .width = 760, .height = 320});
  buffer_adds(&out, "");
  const char *faint = strstr(out.data, "<polyline class=\"a faint\" points=\""),
             *smooth = strstr(faint + 1, "<polyline");
  const char *raw = strstr(faint, "points=") + 8, *line = strstr(smooth, "points=") + 8;
  for (int i = 0; i < 300; i++) {
    double x, y, u, v;
    int n, m;
    assert_true(sscanf(raw, "%lf,%lf %n", &x, &y, &n) == 2 && sscanf(line, "%lf,%lf %n", &u, &v, &m) == 2);
    assert_true(x == u && fabs(y - v) < 0.01 * 320);
    raw += n;
    line += m;
  }
  buffer_free(&out);
  vec_free(&series.points);
}

static void rollbacks(void **state) {
  Report r;
  assert_true(read_log(&r,
                       "{\"step\":1,\"loss\":3}\n{\"step\":2,\"loss\":9}\n{\"step\":2,\"sample\":\"bad\"}\n"
                       "{\"step\":3,\"loss\":99}\n{\"step\":1,\"remark\":\"back to step 1\"}\n"
                       "{\"step\":2,\"loss\":2}\n{\"step\":3,\"loss\":1}\n",
                       NULL));
  assert_int_equal(r.points.count, 3);
  for (size_t i = 0; i < 3; i++) assert_true(r.points.data[i].loss == 3.0 - (double)i);
  assert_int_equal(r.texts.count, 1);
  assert_string_equal(r.texts.data[0].text, "back to step 1");
  report_close(&r);
}

static void no_line_of_a_log(void **state) {
  Report r;
  Error err = {0};
  assert_false(read_log(&r, "{\"step\":1,\"loss\":3}\n{\"step\":2,\n{\"step\":3,\"loss\":1}\n", &err));
  assert_non_null(strstr(err.text, "log.jsonl:2"));
  report_close(&r);
}

/* ---- the page ---- */

static char *page_of(const Report *r) {
  FileView view;
  Error err = {0};
  if (!report_write(r, in_scratch("report.html"), &err)) fail_msg("%s", err.text);
  assert_true(file_view(in_scratch("report.html"), &view, NULL));
  char *page = mem_alloc(view.size + 1);
  memcpy(page, view.data, view.size);
  page[view.size] = '\0';
  assert_int_equal(strlen(page), view.size);
  file_view_close(&view);
  return page;
}

static size_t count_in(const char *page, const char *text) {
  size_t count = 0;
  while ((page = strstr(page, text))) {
    count++;
    page++;
  }
  return count;
}

static void expect(const char *page, const char *text) {
  if (!strstr(page, text)) fail_msg("the page lacks \"%s\"", text);
}

static void a_page_that_needs_nothing_else(void **state) {
  Report r;
  Error err = {0};
  static const char text[] =
      "{\"task\":\"write\",\"data\":{\"files\":[\"a<b>.txt\"],\"bytes\":12345,\"tokens\":4321},\"training\":"
      "{\"finished\":true,\"steps\":1000,\"best_step\":900,\"tokens_seen\":1234567,\"seconds\":100.0,"
      "\"valid_loss\":1.5,\"valid_perplexity\":4.48,\"valid_bits_per_byte\":2.1640}}";
  json_t *card = json_parse(text, strlen(text), "card", &err);
  if (!card) fail_msg("%s", err.text);
  report_open(&r, "it's");
  report_from_card(&r, card);
  for (int64_t i = 1; i <= 1000; i++)
    vec_push(&r.points, ((ReportPoint){.step = i,
                                       .seconds = 0.1 * (double)i,
                                       .loss = 5.0 / (double)i,
                                       .valid_loss = i % 100 ? 0 : 2,
                                       .learning_rate = 1e-3,
                                       .tokens_per_second = 1000}));
  vec_push(&r.texts, ((ReportText){500, "<script>&\"春眠不觉晓\"\x01\xff", false}));
  vec_push(&r.settings, ((ReportFact){"separator", "</table>"}));
  char *page = page_of(&r);
  const char *const parts[] = {"1,234,567",
                               "1.5000",
                               "4.48",
                               "2.164",
                               "a&lt;b&gt;.txt",
                               "of step 900",
                               "&lt;script&gt;&amp;&quot;春眠不觉晓&quot;\xef\xbf\xbd\xef\xbf\xbd</pre>",
                               "&lt;/table&gt;",
                               "inkstone write -m 'it'\\''s' ",
                               "held out 2 at step 100"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) expect(page, parts[i]);
  expect(page, "12,345"); /* tokens a second: seen by seconds */
  const char *const none[] = {"<script", "http", "src=", "@import", "url(", "nan", "inf "};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    if (strstr(page, none[i])) fail_msg("the page has \"%s\"", none[i]);
  assert_int_equal(count_in(page, "<svg"), count_in(page, "</svg>"));
  assert_int_equal(count_in(page, "<svg"), 4); /* losses twice, learning rate, speed */
  assert_true(strlen(page) < 400000);
  mem_free(page);
  json_decref(card);
  report_close(&r);
}

static void nothing_to_show(void **state) {
  Report r;
  report_open(&r, "model");
  char *page = page_of(&r);
  assert_null(strstr(page, "<svg"));
  expect(page, "train write -o model --resume");
  mem_free(page);
  vec_push(&r.points, ((ReportPoint){.step = 7, .loss = 2.5})); /* one point has no range */
  page = page_of(&r);
  assert_null(strstr(page, "nan"));
  expect(page, "training 2.5 at step 7");
  mem_free(page);
  report_close(&r);
}

/* An objective's measures: one figure each, with what is 0 or less; losses have its unit. */
static void measures_have_curves(void **state) {
  static const char text[] = "{\"task\":\"reply\",\"tuned_by\":\"prefer\",\"objective\":\"dpo\"}";
  Report r;
  Error err = {0};
  json_t *card = json_parse(text, strlen(text), "card", &err);
  assert_true(
      read_log(&r,
               "{\"step\":1,\"loss\":0.7,\"accuracy\":0,\"reward_chosen\":-0.5}\n"
               "{\"step\":2,\"loss\":0.6,\"accuracy\":50,\"reward_chosen\":-0.25,\"valid_accuracy\":75,"
               "\"valid_reward_chosen\":-1}\n",
               &err));
  report_from_card(&r, card);
  char *page = page_of(&r);
  const char *const parts[] = {"<figcaption>accuracy<",  "<figcaption>reward chosen<",
                               "training 0 at step 1",   "training -0.5 at step 1",
                               "held out -1 at step 2",  "held out 75 at step 2",
                               "Nats per pair",          "inkstone train prefer -o model --resume",
                               "inkstone reply -m model"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) expect(page, parts[i]);
  assert_int_equal(count_in(page, "<svg"), 4); /* losses twice, two measures */
  mem_free(page);
  json_decref(card);
  report_close(&r);
}

static void many_samples(void **state) {
  Report r;
  report_open(&r, "model");
  for (int64_t i = 0; i < 100; i++) vec_push(&r.texts, ((ReportText){i, "text", false}));
  char *page = page_of(&r);
  assert_int_equal(count_in(page, "<pre class=text>"), 12);
  expect(page, "12 of 100 samples");
  expect(page, "step 0<");
  expect(page, "step 99<");
  mem_free(page);
  report_close(&r);
}

/* Names that come from files: a metric's from the log, the run's, the task's from the card. */
static void names_are_escaped(void **state) {
  static const char text[] = "{\"task\":\"<script>1</script>\"}";
  Report r;
  Error err = {0};
  json_t *card = json_parse(text, strlen(text), "card", &err);
  assert_true(read_log(&r, "{\"step\":1,\"loss\":3,\"valid_<script>2</script>\":1}\n", &err));
  report_from_card(&r, card);
  r.run = "<script>3</script>";
  char *page = page_of(&r);
  assert_null(strstr(page, "<script"));
  for (char i = '1'; i <= '3'; i++) {
    const char escaped[] = {'&', 'l', 't', ';', 's', 'c', 'r', 'i', 'p', 't', '&', 'g', 't', ';', i, '&', 0};
    expect(page, escaped);
  }
  mem_free(page);
  json_decref(card);
  report_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_the_log_tells),
      cmocka_unit_test(what_the_log_writes),
      cmocka_unit_test(rollbacks),
      cmocka_unit_test(smoothing_does_not_lag),
      cmocka_unit_test(no_line_of_a_log),
      cmocka_unit_test(nothing_to_show),
      cmocka_unit_test(a_page_that_needs_nothing_else),
      cmocka_unit_test(measures_have_curves),
      cmocka_unit_test(many_samples),
      cmocka_unit_test(names_are_escaped),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
