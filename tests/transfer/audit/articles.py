"""A project with SQLAlchemy-Continuum, as its users write it, run as a program: it makes a database and its history.

python -m tests.transfer.audit.articles validity sqlite:///articles.db
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import configure_mappers, declarative_base, sessionmaker
from sqlalchemy_continuum import make_versioned
from sqlalchemy_continuum.plugins import Plugin, PropertyModTrackerPlugin

Base = declarative_base()


class ByAnn(Plugin):
    """Says who wrote: what the plugins for Flask and Pyramid ask of their request."""

    def transaction_args(self, uow, session):
        return {"user_id": 1, "remote_addr": "127.0.0.1"}


def main(strategy: str, url: str) -> None:
    """Articles and their tags come, change and go."""
    make_versioned(
        user_cls="User", plugins=[PropertyModTrackerPlugin(), ByAnn()], options={"strategy": strategy}
    )

    class User(Base):
        __tablename__ = "user"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50))

    class Article(Base):
        __versioned__ = {}
        __tablename__ = "article"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50))
        body = sa.Column(sa.Text)
        seen = sa.Column(sa.DateTime(timezone=True))

    class Tag(Base):
        __versioned__ = {}
        __tablename__ = "tag"
        article_id = sa.Column(sa.Integer, sa.ForeignKey("article.id"), primary_key=True)
        name = sa.Column(sa.String(50), primary_key=True)
        weight = sa.Column(sa.Float)

    configure_mappers()
    engine = sa.create_engine(url)
    Base.metadata.create_all(engine)
    with sessionmaker(engine)() as session:
        session.add(User(id=1, name="ann"))
        session.commit()
        article = Article(name="Größe", body="…", seen=datetime(2026, 3, 2, 9, 15, tzinfo=UTC))
        session.add(article)
        session.commit()
        article.body = "long"
        session.add_all(Tag(article_id=article.id, name=name, weight=0.5) for name in ("a/b", "a%2Fb"))
        session.commit()
        session.delete(session.get(Tag, (article.id, "a/b")))
        article.name = None
        session.commit()
        session.delete(session.get(Tag, (article.id, "a%2Fb")))
        session.flush()
        session.delete(article)
        session.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
