namespace Tessera.Tests.Packages;

/// <summary>A test that takes minutes: tests/run --full alone runs it.</summary>
public sealed class FullFactAttribute : FactAttribute
{
    public FullFactAttribute()
    {
        if (Environment.GetEnvironmentVariable("TESSERA_TEST_FULL") != "1")
            Skip = "Takes minutes; tests/run --full runs it.";
    }
}
