"""The documents of the face: a query for product recommendations as clients send it, and as they get it back.

The fields are those of TMF680 v4.0.0. What the standard does not have is added by its extension pattern: `@type` names
the extended type, `@baseType` the one of the standard, `@schemaLocation` the JSON Schema of the extended one.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool
from pydantic.alias_generators import to_camel

from mia.api.wire import Context, require_storable
from mia.domain.decision import Fallback
from mia.domain.event import Channel
from mia.services.record import Identifier

QUERY, ITEM = "QueryProductRecommendation", "RecommendationItem"
MIA_QUERY, MIA_ITEM = f"Mia{QUERY}", f"Mia{ITEM}"
_Uri = Field(None, alias="@schemaLocation", description="URI of the JSON Schema of the extended type")


class Part(BaseModel):
    """What every object of the standard carries; further fields are let in and kept."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)

    type_: str | None = Field(None, alias="@type", description="name of the extended type")
    base_type: str | None = Field(None, alias="@baseType", description="name of the type that it extends")
    schema_location: str | None = _Uri


class Reference(Part):
    """Something that is named by its id."""

    id: Identifier
    href: str | None = None
    name: str | None = None
    referred_type: str | None = Field(None, alias="@referredType")


class RelatedParty(Part):
    """Whom the recommendation is for: `id` is the subscriber."""

    id: Identifier = Field(description="opaque id of the subscriber; an unknown one gets a fallback")
    href: str | None = None
    name: str | None = None
    role: str | None = None
    referred_type: str = Field(alias="@referredType", description="such as `Customer`")


class RelatedPlace(Part):
    """A place that the query is related to."""

    id: str | None = None
    href: str | None = None
    name: str | None = None
    role: str
    referred_type: str | None = Field(None, alias="@referredType")


class ItemReference(Part):
    """An item of a cart or of an order."""

    entity_href: str | None = None
    entity_id: str | None = None
    item_id: str | None = None
    name: str | None = None
    referred_type: str | None = Field(None, alias="@referredType")


class Money(BaseModel):
    """An amount in the currency of the catalogue."""

    value: float


class Price(Part):
    """What it costs."""

    tax_included_amount: Money


class ProductPrice(Part):
    """The price of connecting."""

    price_type: str
    price: Price


class Product(Part):
    """What would be connected."""

    name: str
    description: str
    product_offering: Reference
    product_price: list[ProductPrice]


class Reason(BaseModel):
    """Why this offer."""

    code: str
    text: str = Field(description="in the language of the answer")


class RecommendationItem(Part):
    """One recommended offering. What follows `product` is MIA's extension."""

    id: str = Field(description="id of the offer")
    priority: int = Field(ge=1, description="its rank, from 1")
    product_offering: Reference
    product: Product
    decision_id: str = Field(
        description="carry it as `externalId` of the product order, and as `decision_id` of events"
    )
    score: float = Field(ge=0, le=1, description="modelled probability that it is connected when shown")
    expected_value: float = Field(description="currency units")
    propensity: float = Field(ge=0, le=1, description="probability of this offer at this rank under the policy")
    reason: list[Reason]


class ChannelReference(Reference):
    """The channel that the offers will be shown in."""

    id: Channel


def _require_storable_query(query: "QueryCreate") -> "QueryCreate":
    require_storable(query.model_dump(by_alias=True))
    return query


class Query(Part):
    """What both directions have in common. Places, categories, carts and orders are kept and given back; they do not
    steer the decision.
    """

    name: str | None = None
    description: str | None = None
    recommendation_type: str | None = None
    category: list[Reference] | None = None
    place: RelatedPlace | None = None
    product_order: list[Reference] | None = None
    product_order_item: list[ItemReference] | None = None
    shopping_cart: list[Reference] | None = None
    shopping_cart_item: list[ItemReference] | None = None
    channel: list[ChannelReference] = Field(min_length=1, max_length=1, description="one channel")
    related_party: RelatedParty
    placement: Identifier | None = Field(None, description="extension: the slot inside the channel")
    limit: int = Field(3, ge=1, le=50, strict=True, description="extension: how many offers at most")
    context: Context | None = Field(None, description="extension: anything about the moment; kept for replay")
    request_id: Identifier | None = Field(
        None, description="extension: idempotency key, repeats get the identical answer"
    )


class QueryCreate(Query):
    """A query for product recommendations. Whatever the standard lets a client send is read; who asks, for whom and in
    which channel has to be there.
    """

    model_config = ConfigDict(
        title=f"{QUERY}_Create",
        json_schema_extra={
            "examples": [
                {
                    "channel": [{"id": "app"}],
                    "relatedParty": {"id": "s1", "@referredType": "Customer"},
                    "instantSyncRecommendation": True,
                }
            ]
        },
    )

    instant_sync_recommendation: StrictBool | None = Field(None, description="the answer is always immediate")
    state: Literal["accepted", "terminatedWithError", "inProgress", "done"] | None = None
    recommendation_item: list[Any] | None = None


QueryBody = Annotated[QueryCreate, AfterValidator(_require_storable_query)]


class QueryAnswer(Query):
    """A query with its recommendations: a decision of MIA."""

    model_config = ConfigDict(title=QUERY)

    id: str = Field(description="the decision id")
    href: str
    instant_sync_recommendation: bool
    state: Literal["done"]
    valid_for: dict[str, str] = Field(description="`startDateTime`: when it was decided")
    recommendation_item: list[RecommendationItem]
    decision_id: str
    arm: str = Field(description="extension: experiment group of the subscriber")
    model_version: str | None = None
    catalogue_version: str
    fallback: Fallback | None = Field(None, description="extension: why it is not the full personalised answer")
    explored: bool = Field(description="extension: the order was drawn at random")


class TmfError(Part):
    """An error in the form of the standard."""

    model_config = ConfigDict(title="Error")

    code: str = Field(description="the kind of problem, such as `unknown-decision`")
    reason: str = Field(description="the kind of problem in words")
    message: str = Field(description="what happened this time")
    status: str = Field(description="HTTP status code")
    reference_error: str = Field(description="URI that identifies the kind of problem")


KEPT = (
    "name",
    "description",
    "recommendation_type",
    "category",
    "place",
    "product_order",
    "product_order_item",
    "shopping_cart",
    "shopping_cart_item",
)
"""Fields of a query that do not steer the decision, and are given back as they came."""
