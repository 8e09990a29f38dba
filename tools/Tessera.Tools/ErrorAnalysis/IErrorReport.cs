using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Tools.Output;

namespace Tessera.Tools.ErrorAnalysis;

/// <summary>The errors of one task, gathered image by image.</summary>
internal interface IErrorReport
{
    void Add(Sample sample, Prediction prediction);

    /// <summary>Shows tables, and adds pictures and figures.</summary>
    /// <param name="title">What pictures are headed with.</param>
    void Finish(string title, FileSet files, JsonObject document);
}
