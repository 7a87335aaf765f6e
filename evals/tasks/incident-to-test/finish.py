import shutil

from evals.tasks import HERE

shutil.copy(HERE / "app" / "library" / "books.py", "library/books.py")  # which has the right rule
