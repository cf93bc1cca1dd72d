# Models to and from Hugging Face transformers; and our own recurrent ones in PyTorch.
if(TARGET inkstone)
  python_test(models_transformers models/test_transformers.py $<TARGET_FILE:inkstone>)
  python_test(models_encoder_decoder models/test_encoder_decoder.py $<TARGET_FILE:inkstone>)
  python_test(models_chat models/test_chat.py $<TARGET_FILE:inkstone>)
  python_test(models_seq2seq models/test_seq2seq.py $<TARGET_FILE:inkstone>)
endif()
