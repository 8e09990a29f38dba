using Tessera.Models.Detection.Transformers;

namespace Tessera.Models.TaskModels;

/// <param name="NumQueries">How many objects can be found in an image: each query finds one or none.</param>
/// <param name="EncoderLayers">Layers of attention among the cells of the map; 0: none.</param>
/// <param name="DecoderLayers">Layers in which queries look at the map.</param>
/// <param name="EmbedDim">Width of tokens; a multiple of 4 and of num_heads.</param>
/// <param name="NumHeads">Attention heads.</param>
/// <param name="FfnDim">Width between the two linear layers of each transformer layer.</param>
/// <param name="Dropout">In the transformer.</param>
/// <param name="AuxLoss">Every decoder layer has losses of its own, and not the last alone.</param>
/// <param name="SetCost">What pairs of a query and a box cost.</param>
/// <param name="LossWeights">Weights of the losses.</param>
/// <param name="EosCoef">Weight of "no object" in the class loss, in which classes have 1.</param>
/// <param name="Test">How it predicts.</param>
public sealed record DetrOptions(
    [property: Range(1, 10_000)] int NumQueries = 100,
    [property: Range(0, 100)] int EncoderLayers = 6,
    [property: Range(1, 100)] int DecoderLayers = 6,
    [property: Range(4, 65_536)] int EmbedDim = 256,
    [property: Range(1, 1024)] int NumHeads = 8,
    [property: Range(1, 65_536)] int FfnDim = 2048,
    [property: Range(0, 0.99)] double Dropout = 0.1,
    bool AuxLoss = true,
    SetCosts? SetCost = null,
    SetLossWeights? LossWeights = null,
    [property: Range(0, 1)] double EosCoef = 0.1,
    QueryTestOptions? Test = null
);
