"""The declarations of inkstone.h, written by scripts/python_bindings.py. Do not edit."""
from ctypes import (CDLL, CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_int64,
                    c_size_t, c_void_p)

VERSION = "0.2.0"
INK_OK = 0
INK_FAILED = 1
INK_USAGE = 2
INK_NOT_FOUND = 3
INK_DAMAGED = 4
INK_MEMORY = 5
INK_INTERRUPTED = 6
INK_EVENT_NOTE = 0
INK_EVENT_WARNING = 1
INK_EVENT_PROGRESS = 2
INK_EVENT_EVAL = 3
INK_EVENT_SAMPLE = 4
INK_END_NONE = 0
INK_END_TOKEN = 1
INK_END_STOP = 2
INK_END_LENGTH = 3


class ink_error(Structure):
    _fields_ = [
        ("code", c_int),
        ("text", c_char * 1020),
    ]


class ink_engine_options(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("threads", c_int),
        ("memory", c_int64),
    ]


class ink_setting_info(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("name", c_char_p),
        ("section", c_char_p),
        ("arg", c_char_p),
        ("default_value", c_char_p),
        ("help", c_char_p),
        ("is_switch", c_bool),
        ("repeats", c_bool),
        ("is_prompt", c_bool),
    ]


class ink_event(Structure):
    _fields_ = [
        ("kind", c_int),
        ("stage", c_char_p),
        ("text", c_char_p),
        ("done", c_int64),
        ("total", c_int64),
        ("unit", c_char_p),
        ("loss", c_double),
        ("valid_loss", c_double),
        ("metric", c_char_p),
        ("metric_value", c_double),
        ("best", c_bool),
        ("learning_rate", c_double),
        ("tokens_per_second", c_double),
        ("peak_share", c_double),
        ("seconds", c_double),
        ("seconds_left", c_double),
        ("memory", c_int64),
    ]


class ink_stop(Structure):
    _fields_ = [
        ("requested", c_int),
    ]


class ink_text(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("bytes", c_void_p),
        ("length", c_size_t),
    ]


class ink_converted(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("parameters", c_int64),
        ("source_bytes", c_int64),
        ("bytes", c_int64),
        ("source_types", c_void_p),
        ("types", c_void_p),
    ]


class ink_alternative(Structure):
    _fields_ = [
        ("id", c_int32),
        ("logprob", c_double),
    ]


class ink_written(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("prompt_tokens", c_int64),
        ("new_tokens", c_int64),
        ("dropped_prompt_tokens", c_int64),
        ("shifts", c_int64),
        ("special_token", c_char_p),
        ("prompt_seconds", c_double),
        ("new_seconds", c_double),
        ("unmatched", c_int64),
        ("stuck", c_int64),
    ]


class ink_session_options(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("positions", c_int64),
    ]


class ink_turn(Structure):
    _fields_ = [
        ("role", c_char_p),
        ("text", c_void_p),
        ("length", c_size_t),
    ]


class ink_output(Structure):
    _fields_ = [
        ("input", c_int64),
        ("rank", c_int),
        ("text", c_void_p),
        ("length", c_size_t),
        ("logprob", c_double),
        ("score", c_double),
        ("problem", c_char_p),
        ("cut", c_bool),
        ("unended", c_bool),
        ("check", c_char_p),
        ("confidence", c_double),
        ("unsure", c_bool),
    ]


class ink_rewritten(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("split_texts", c_int64),
        ("cut_sentences", c_int64),
        ("dropped_turns", c_int64),
        ("spelled_specials", c_int64),
        ("unknown_inputs", c_int64),
        ("new_tokens", c_int64),
        ("seconds", c_double),
        ("special_token", c_char_p),
        ("unended_outputs", c_int64),
    ]


class ink_label(Structure):
    _fields_ = [
        ("input", c_int64),
        ("rank", c_int),
        ("label", c_char_p),
        ("probability", c_double),
        ("problem", c_char_p),
    ]


class ink_scores(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("tokens", c_int64),
        ("bytes", c_int64),
        ("characters", c_int64),
        ("documents", c_int64),
        ("nats", c_double),
        ("perplexity", c_double),
        ("bits_per_byte", c_double),
        ("bits_per_character", c_double),
        ("written", c_void_p),
    ]


class ink_comparison(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("tokens", c_int64),
        ("bytes", c_int64),
        ("characters", c_int64),
        ("documents", c_int64),
        ("perplexity", c_double),
        ("reference_perplexity", c_double),
        ("divergence_mean", c_double),
        ("divergence_median", c_double),
        ("divergence_99", c_double),
        ("divergence_max", c_double),
        ("agreement", c_double),
    ]


class ink_token(Structure):
    _fields_ = [
        ("sample", c_int),
        ("id", c_int32),
        ("logprob", c_double),
        ("text", c_void_p),
        ("length", c_size_t),
        ("end", c_int),
        ("alternatives", POINTER(ink_alternative)),
        ("alternative_count", c_int),
    ]


ink_listener = CFUNCTYPE(None, c_void_p, POINTER(ink_event))


ink_end_listener = CFUNCTYPE(None, c_void_p, POINTER(ink_written), POINTER(ink_error))


ink_output_listener = CFUNCTYPE(c_bool, c_void_p, POINTER(ink_output))


ink_label_listener = CFUNCTYPE(c_bool, c_void_p, POINTER(ink_label))


class ink_call(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("engine", c_void_p),
        ("stop", POINTER(ink_stop)),
        ("listener", ink_listener),
        ("user", c_void_p),
        ("texts", POINTER(ink_text)),
        ("text_count", c_size_t),
    ]


ink_token_listener = CFUNCTYPE(c_bool, c_void_p, POINTER(ink_token))


def declare(library: CDLL) -> None:
    """Gives each function its types."""
    library.ink_version.restype = c_char_p
    library.ink_version.argtypes = []
    library.ink_version_number.restype = c_int
    library.ink_version_number.argtypes = []
    library.ink_instruction_set.restype = c_char_p
    library.ink_instruction_set.argtypes = [POINTER(ink_error)]
    library.ink_set_language.restype = c_bool
    library.ink_set_language.argtypes = [c_char_p, POINTER(ink_error)]
    library.ink_free.restype = None
    library.ink_free.argtypes = [c_void_p]
    library.ink_engine_open.restype = c_void_p
    library.ink_engine_open.argtypes = [POINTER(ink_engine_options), POINTER(ink_error)]
    library.ink_engine_close.restype = None
    library.ink_engine_close.argtypes = [c_void_p]
    library.ink_settings_train.restype = c_void_p
    library.ink_settings_train.argtypes = []
    library.ink_settings_write.restype = c_void_p
    library.ink_settings_write.argtypes = []
    library.ink_settings_explain.restype = c_void_p
    library.ink_settings_explain.argtypes = []
    library.ink_settings_rewrite.restype = c_void_p
    library.ink_settings_rewrite.argtypes = []
    library.ink_settings_classify.restype = c_void_p
    library.ink_settings_classify.argtypes = []
    library.ink_settings_eval.restype = c_void_p
    library.ink_settings_eval.argtypes = []
    library.ink_settings_score.restype = c_void_p
    library.ink_settings_score.argtypes = []
    library.ink_settings_convert.restype = c_void_p
    library.ink_settings_convert.argtypes = []
    library.ink_settings_pull.restype = c_void_p
    library.ink_settings_pull.argtypes = []
    library.ink_settings_tokenizer.restype = c_void_p
    library.ink_settings_tokenizer.argtypes = []
    library.ink_settings_bench.restype = c_void_p
    library.ink_settings_bench.argtypes = []
    library.ink_settings_text.restype = c_void_p
    library.ink_settings_text.argtypes = []
    library.ink_settings_free.restype = None
    library.ink_settings_free.argtypes = [c_void_p]
    library.ink_settings_set.restype = c_bool
    library.ink_settings_set.argtypes = [c_void_p, c_char_p, c_char_p, POINTER(ink_error)]
    library.ink_settings_load.restype = c_bool
    library.ink_settings_load.argtypes = [c_void_p, c_char_p, POINTER(ink_error)]
    library.ink_settings_get.restype = c_void_p
    library.ink_settings_get.argtypes = [c_void_p, c_char_p]
    library.ink_settings_get_int.restype = c_bool
    library.ink_settings_get_int.argtypes = [c_void_p, c_char_p, POINTER(c_int64), POINTER(ink_error)]
    library.ink_settings_get_real.restype = c_bool
    library.ink_settings_get_real.argtypes = [c_void_p, c_char_p, POINTER(c_double), POINTER(ink_error)]
    library.ink_settings_get_bool.restype = c_bool
    library.ink_settings_get_bool.argtypes = [c_void_p, c_char_p, POINTER(c_bool), POINTER(ink_error)]
    library.ink_settings_set_int.restype = c_bool
    library.ink_settings_set_int.argtypes = [c_void_p, c_char_p, c_int64, POINTER(ink_error)]
    library.ink_settings_set_real.restype = c_bool
    library.ink_settings_set_real.argtypes = [c_void_p, c_char_p, c_double, POINTER(ink_error)]
    library.ink_settings_set_bool.restype = c_bool
    library.ink_settings_set_bool.argtypes = [c_void_p, c_char_p, c_bool, POINTER(ink_error)]
    library.ink_settings_describe.restype = c_bool
    library.ink_settings_describe.argtypes = [c_void_p, c_int, POINTER(ink_setting_info)]
    library.ink_stop_request.restype = None
    library.ink_stop_request.argtypes = [POINTER(ink_stop)]
    library.ink_stop_clear.restype = None
    library.ink_stop_clear.argtypes = [POINTER(ink_stop)]
    library.ink_stop_requested.restype = c_bool
    library.ink_stop_requested.argtypes = [POINTER(ink_stop)]
    library.ink_text_read.restype = c_void_p
    library.ink_text_read.argtypes = [c_char_p, c_void_p, POINTER(c_size_t), POINTER(ink_call), POINTER(ink_error)]
    library.ink_text_check.restype = c_void_p
    library.ink_text_check.argtypes = [c_char_p, c_size_t, c_char_p, c_void_p, POINTER(c_size_t), POINTER(ink_call), POINTER(ink_error)]
    library.ink_train.restype = c_bool
    library.ink_train.argtypes = [c_char_p, POINTER(c_char_p), c_int, c_char_p, c_void_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_model_open.restype = c_void_p
    library.ink_model_open.argtypes = [c_char_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_model_open_adapted.restype = c_void_p
    library.ink_model_open_adapted.argtypes = [c_char_p, POINTER(c_char_p), c_int, POINTER(ink_call), POINTER(ink_error)]
    library.ink_model_retype.restype = c_bool
    library.ink_model_retype.argtypes = [c_void_p, c_char_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_model_close.restype = None
    library.ink_model_close.argtypes = [c_void_p]
    library.ink_model_cache.restype = c_bool
    library.ink_model_cache.argtypes = [c_void_p, c_char_p, POINTER(ink_error)]
    library.ink_model_describe.restype = c_void_p
    library.ink_model_describe.argtypes = [c_void_p, POINTER(ink_error)]
    library.ink_model_defaults.restype = c_bool
    library.ink_model_defaults.argtypes = [c_void_p, c_void_p, POINTER(ink_error)]
    library.ink_convert.restype = c_bool
    library.ink_convert.argtypes = [c_char_p, c_char_p, c_void_p, POINTER(ink_converted), POINTER(ink_call), POINTER(ink_error)]
    library.ink_pull.restype = c_void_p
    library.ink_pull.argtypes = [c_char_p, c_void_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_pulled.restype = c_void_p
    library.ink_pulled.argtypes = [POINTER(ink_error)]
    library.ink_write.restype = c_bool
    library.ink_write.argtypes = [c_void_p, c_char_p, c_size_t, c_void_p, ink_token_listener, c_void_p, POINTER(ink_written), POINTER(ink_call), POINTER(ink_error)]
    library.ink_model_begin.restype = c_int32
    library.ink_model_begin.argtypes = [c_void_p]
    library.ink_model_ends.restype = c_bool
    library.ink_model_ends.argtypes = [c_void_p, c_int32]
    library.ink_session_open.restype = c_void_p
    library.ink_session_open.argtypes = [c_void_p, POINTER(ink_session_options), POINTER(ink_error)]
    library.ink_session_close.restype = None
    library.ink_session_close.argtypes = [c_void_p]
    library.ink_session_source.restype = c_bool
    library.ink_session_source.argtypes = [c_void_p, POINTER(c_int32), c_size_t, POINTER(ink_error)]
    library.ink_session_feed.restype = POINTER(c_float)
    library.ink_session_feed.argtypes = [c_void_p, POINTER(c_int32), c_size_t, POINTER(ink_call), POINTER(ink_error)]
    library.ink_session_position.restype = c_int64
    library.ink_session_position.argtypes = [c_void_p]
    library.ink_session_positions.restype = c_int64
    library.ink_session_positions.argtypes = [c_void_p]
    library.ink_session_vocabulary.restype = c_int64
    library.ink_session_vocabulary.argtypes = [c_void_p]
    library.ink_session_rewind.restype = c_bool
    library.ink_session_rewind.argtypes = [c_void_p, POINTER(ink_error)]
    library.ink_session_save.restype = c_void_p
    library.ink_session_save.argtypes = [c_void_p, POINTER(c_size_t), POINTER(ink_error)]
    library.ink_session_restore.restype = c_bool
    library.ink_session_restore.argtypes = [c_void_p, c_void_p, c_size_t, POINTER(POINTER(c_float)), POINTER(ink_call), POINTER(ink_error)]
    library.ink_queue_open.restype = c_void_p
    library.ink_queue_open.argtypes = [c_void_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_queue_close.restype = None
    library.ink_queue_close.argtypes = [c_void_p]
    library.ink_queue_write.restype = c_int64
    library.ink_queue_write.argtypes = [c_void_p, c_char_p, c_size_t, c_void_p, ink_token_listener, ink_end_listener, c_void_p, POINTER(ink_error)]
    library.ink_queue_reply.restype = c_int64
    library.ink_queue_reply.argtypes = [c_void_p, POINTER(ink_turn), c_int, c_void_p, ink_token_listener, ink_end_listener, c_void_p, POINTER(ink_error)]
    library.ink_queue_cancel.restype = None
    library.ink_queue_cancel.argtypes = [c_void_p, c_int64]
    library.ink_queue_step.restype = c_bool
    library.ink_queue_step.argtypes = [c_void_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_queue_unfinished.restype = c_int64
    library.ink_queue_unfinished.argtypes = [c_void_p]
    library.ink_rewrite.restype = c_bool
    library.ink_rewrite.argtypes = [c_void_p, c_char_p, POINTER(c_char_p), POINTER(c_size_t), c_int64, c_void_p, ink_output_listener, c_void_p, POINTER(ink_rewritten), POINTER(ink_call), POINTER(ink_error)]
    library.ink_explain.restype = c_void_p
    library.ink_explain.argtypes = [c_void_p, c_char_p, POINTER(c_char_p), POINTER(c_size_t), c_int64, c_void_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_explain_text.restype = c_void_p
    library.ink_explain_text.argtypes = [c_void_p, c_char_p, c_size_t, c_char_p, c_void_p, POINTER(ink_written), POINTER(ink_call), POINTER(ink_error)]
    library.ink_reply.restype = c_bool
    library.ink_reply.argtypes = [c_void_p, POINTER(ink_turn), c_int, c_void_p, ink_output_listener, c_void_p, POINTER(ink_rewritten), POINTER(ink_call), POINTER(ink_error)]
    library.ink_classify.restype = c_bool
    library.ink_classify.argtypes = [c_void_p, POINTER(c_char_p), POINTER(c_size_t), c_int64, c_void_p, ink_label_listener, c_void_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_eval.restype = c_bool
    library.ink_eval.argtypes = [c_void_p, POINTER(c_char_p), c_int, c_void_p, POINTER(ink_scores), POINTER(ink_call), POINTER(ink_error)]
    library.ink_eval_against.restype = c_bool
    library.ink_eval_against.argtypes = [c_void_p, c_void_p, POINTER(c_char_p), c_int, c_void_p, POINTER(ink_comparison), POINTER(ink_call), POINTER(ink_error)]
    library.ink_score.restype = c_void_p
    library.ink_score.argtypes = [c_char_p, POINTER(c_char_p), c_int, c_void_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_tokenizer_train.restype = c_bool
    library.ink_tokenizer_train.argtypes = [POINTER(c_char_p), c_int, c_char_p, c_void_p, POINTER(ink_call), POINTER(ink_error)]
    library.ink_model_tokenizer.restype = c_void_p
    library.ink_model_tokenizer.argtypes = [c_void_p, c_bool]
    library.ink_tokenizer_open.restype = c_void_p
    library.ink_tokenizer_open.argtypes = [c_char_p, POINTER(ink_error)]
    library.ink_tokenizer_close.restype = None
    library.ink_tokenizer_close.argtypes = [c_void_p]
    library.ink_tokenizer_size.restype = c_int64
    library.ink_tokenizer_size.argtypes = [c_void_p]
    library.ink_tokenizer_encode.restype = c_bool
    library.ink_tokenizer_encode.argtypes = [c_void_p, c_char_p, c_size_t, c_bool, POINTER(POINTER(c_int32)), POINTER(c_size_t), POINTER(ink_error)]
    library.ink_tokenizer_remark.restype = c_char_p
    library.ink_tokenizer_remark.argtypes = [c_void_p]
    library.ink_tokenizer_decode.restype = c_bool
    library.ink_tokenizer_decode.argtypes = [c_void_p, POINTER(c_int32), c_size_t, c_bool, POINTER(c_void_p), POINTER(c_size_t), POINTER(ink_error)]
    library.ink_bench.restype = c_void_p
    library.ink_bench.argtypes = [c_char_p, c_void_p, POINTER(ink_call), POINTER(ink_error)]
